"""Send JSON to an HTTP endpoint, and get the reason for a failure without secrets."""

from __future__ import annotations

import base64
import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, build_opener
from urllib.request import Request as HttpRequest

from orchestration.alerts.events import Request

LONGEST_ANSWER = 300


class _NoRedirect(HTTPRedirectHandler):
    """A redirected POST would become a GET, which tells nobody anything."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Let the answer be an error."""


def post(request: Request, seconds: float) -> str | None:
    """Send a request; None when the service took it, otherwise why not.

    A user and a password in the address are sent as basic authentication. The reason names the host, never
    the rest of the address.
    """
    parts = urlsplit(request.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "the address is no http or https URL; see docs/alerts.md for examples"
    headers = {"Content-Type": "application/json", "User-Agent": "aipl-warehouse", **request.headers}
    if parts.username:
        told = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(told.encode()).decode()}"
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    body = json.dumps(request.body, ensure_ascii=False).encode()
    try:
        sent = HttpRequest(url, data=body, headers=headers, method=request.method)
        with build_opener(_NoRedirect).open(sent, timeout=seconds):
            return None
    except HTTPError as error:
        answer = " ".join(error.read(LONGEST_ANSWER).decode(errors="replace").split())
        return f"{parts.hostname} answered {error.code} {error.reason}: {answer}".rstrip(": ")
    except TimeoutError:
        return f"{parts.hostname} did not answer within {seconds:g} seconds"
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return f"{parts.hostname} did not answer within {seconds:g} seconds"
        return f"{parts.hostname} cannot be reached: {reason}"
