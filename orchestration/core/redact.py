"""Addresses fit to be shown: without the credentials that may stand in them."""

from __future__ import annotations

import re

from orchestration.core.errors import InputError

_NAME = re.compile(r"\$\{\w+\}")
# A slash in a password should be written %2F, and often is not.
_USER_INFO = re.compile(r"(?<=://)(?:[^/\s@:]+:[^\s@]*|[^/\s@]+)@")
_PASSWORD = re.compile(r"://[^/\s@:]*:([^\s@]*)@")
_QUERY = re.compile(r"(\w+://[^\s?'\"]*)\?[^\s'\"]*")
_SECRET_NAME = "sig|token|secret|password|key"
_SECRET_PARAMETER = re.compile(rf"[?&][^=&]*(?:{_SECRET_NAME})[^=&]*=([^&\s]+)", re.IGNORECASE)


def redact(text: str) -> str:
    """A text whose addresses have neither user, password nor query: `https://***@host/path?***`."""
    return _QUERY.sub(r"\1?***", _USER_INFO.sub("***@", text))


def refuse_credentials(address: str, where: str) -> None:
    """Raise InputError for an address with a password or token written out; `${NAME}` is neither."""
    for found in (*_PASSWORD.finditer(address), *_SECRET_PARAMETER.finditer(address)):
        if _NAME.sub("", found[1]):
            raise InputError(
                f"{where} holds a password or token. Write ${{NAME}} instead, in `dumps` of the sources"
                " file, and set NAME in the environment: plain secrets end up in logs."
            )
