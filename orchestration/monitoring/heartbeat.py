"""A dead man's switch: a service elsewhere hears how each night ended, and alarms when it hears nothing.

The convention is that of Healthchecks.io (https://healthchecks.io/docs/http_api/): a request to the address
says that all is well, one to the address with `/fail` that it is not, with the reasons in the body.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

from orchestration.alerts.channel import redact
from orchestration.alerts.findings import Finding
from orchestration.alerts.incidents import observe, suppress_alerting_errors
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.configured import configured_schedule, read_arrival
from orchestration.core.errors import HomeBusy
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import PLATFORM, outward
from orchestration.monitoring.operation import observe_operation
from orchestration.monitoring.watch import freshness_findings
from orchestration.publish.release import read_current

SCOPE = "heartbeat"
RUNBOOK = "docs/alerts.md#a-dead-mans-switch"
VARIABLE = "AIPL_HEARTBEAT_URL"
SECONDS, TRIES = 10, 2
SHOWN = 10


@dataclass
class Ended:
    """How a run ended: its exit code."""

    exit_code: int = 0


@contextmanager
def concluding(settings: Settings, *, is_attended: bool) -> Iterator[Ended]:
    """Conclude the night when the run in the block ends, also by an error; an interrupted one did not end.

    A run that is attended says nothing to the service: somebody sees how it ends.
    """
    ended = Ended()
    try:
        yield ended
    except HomeBusy:
        # The other run concludes the night.
        raise
    except Exception as error:
        if not is_attended:
            # What an error says may quote a dump: the alert and the log have it.
            conclude_night(settings, [f"the run stopped with {type(error).__name__}"])
        raise
    if not is_attended:
        conclude_night(settings, [f"exit code {ended.exit_code}"] if ended.exit_code else [])


def conclude_night(settings: Settings, failed: Sequence[str] = ()) -> None:
    """Look at the machine, and call the address of `AIPL_HEARTBEAT_URL`, if there is one.

    `failed` are reasons why the night did not do what it should, besides those that `problems` finds. Nothing
    that goes wrong here fails the night: it is said on stderr, and becomes an incident.
    """
    now = datetime.now(UTC)
    with suppress_alerting_errors():
        observe_operation(settings, now)
        if url := settings.heartbeat_url:
            reason = beat(url, [*_problems(settings, now), *failed])
            if reason:
                print(f"HEARTBEAT FAILED: {reason}", file=sys.stderr)
            observe(settings, SCOPE, [_finding(reason)] if reason else [], now)


def problems(settings: Settings, now: datetime) -> list[str]:
    """Why the night is not as it should be: open critical incidents, and feeds that the release lacks."""
    with Outbox(settings.alerts) as outbox:
        critical = [one.finding for one in outbox.open_incidents() if one.finding.severity == "critical"]
    current = read_current(settings)
    stale = freshness_findings(
        read_arrival(settings).fed().sources,
        configured_schedule(settings),
        current.manifest if current else None,
        now,
    )
    return list(dict.fromkeys(outward(finding.title) for finding in (*critical, *stale)))


def _problems(settings: Settings, now: datetime) -> list[str]:
    try:
        return problems(settings, now)
    except Exception as error:
        # State that cannot be read is what the service has to hear of.
        return [f"the state of the home cannot be read: {type(error).__name__}"]


def beat(url: str, wrong: Sequence[str]) -> str | None:
    """Call the address: all is well, or what is `wrong`. Returns None if it was taken, else why not.

    The reason does not show the address.
    """
    try:
        address = _address(url, suffix="/fail" if wrong else "")
    except ValueError:
        return f"{VARIABLE} is no address of a web service: it must begin with https:// or http://"
    body = "\n".join(wrong[:SHOWN]) or "The night ended as it should."
    request = Request(address, body.encode(), {"Content-Type": "text/plain; charset=utf-8"}, method="POST")
    for _ in range(TRIES):
        try:
            with urlopen(request, timeout=SECONDS):
                return None
        except (OSError, HTTPException, ValueError) as error:
            # The address as a whole is a secret: whoever has it can say that all is well.
            reason = redact(f"{error}", url)
    return reason


def _address(url: str, *, suffix: str) -> str:
    """The address with a suffix to its path. Raises ValueError for one that is not of a web service."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(parts.scheme)
    path = f"{parts.path.rstrip('/')}{suffix}" if suffix else parts.path
    return urlunsplit(parts._replace(path=path, fragment=""))


def _finding(reason: str) -> Finding:
    return Finding(
        key="heartbeat",
        kind="heartbeat_failed",
        severity="warning",
        owner=PLATFORM,
        title=f"the heartbeat was not taken: {reason}",
        text=(
            f"At the end of the night the address in {VARIABLE} did not take the message: {reason}. The night"
            " itself is not affected, but the service will report it as missing. Check the variable and the"
            " network; the next night calls it again, and so does `aipl run`."
        ),
        runbook=RUNBOOK,
    )
