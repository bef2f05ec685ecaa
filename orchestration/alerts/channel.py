"""One Apprise address: send a message, and get the reason for a failure without secrets."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from orchestration.alerts.messages import Message

if TYPE_CHECKING:
    from apprise import NotifyBase

# Also the bound of a round: Dagster gives a tick of a sensor a minute.
SEND_SECONDS = 15
MAX_BODY = 6000
MAX_REASON = 600
# Services count what the text becomes in their markup, which is a little more.
SHARE_OF_ROOM = 0.8


@dataclass(frozen=True)
class Channel:
    """A valid Apprise address; `room` is the maximum length of a body in characters."""

    url: str
    plugin: NotifyBase

    @property
    def room(self) -> int:
        """Characters of a body, the title left out."""
        return min(int(self.plugin.body_maxlen * SHARE_OF_ROOM) - 200, MAX_BODY)

    def send(self, message: Message) -> str | None:
        """Send a message now; None when the service took it, else the reason, without secrets."""
        from apprise import Apprise, NotifyFormat

        apprise = Apprise()
        apprise.add(self.plugin)
        with _overheard() as said:
            try:
                arrived = bool(
                    apprise.notify(
                        message.body,
                        title=message.title,
                        notify_type=message.tone,
                        body_format=NotifyFormat.TEXT,
                        timeout=SEND_SECONDS,
                    )
                )
            except Exception as error:
                # A bug in one plugin must not stop delivery on the other routes.
                said.append(f"{type(error).__name__}: {error}")
                arrived = False
        return None if arrived else _reason(said, self.url)


def open_channel(variable: str, url: str) -> Channel | str:
    """The channel of an Apprise URL that came from `variable`, or the reason why there is none."""
    from apprise import Apprise

    with _overheard():
        plugin = Apprise.instantiate(url.strip())
    if plugin is None:
        return f"{variable} is not a valid Apprise URL; see docs/alerts.md for examples"
    return Channel(url.strip(), plugin)


def redact(text: str, url: str) -> str:
    """A text without any part of an address that may be secret: all but scheme, host name and port."""
    rest = url.partition("://")[2]
    # Where a service has no host of its own, a token stands in its place: a name with a dot is none.
    host = re.match(r"(?:[^/?#]*@)?((?:[\w-]+\.)+[\w-]+|localhost)(?::(\d+))?(?=[/?#]|$)", rest)
    parts = {part for part in re.split(r"[/:@?&=#,;]+", rest) if part}
    parts |= {form for part in parts for form in (unquote(part), quote(unquote(part), safe=""))}
    open_parts = set(host.groups()) if host else set()
    for part in sorted(parts - open_parts, key=len, reverse=True):
        # A word in the middle of longer ones is no secret, unless it is long enough to be one.
        pattern = re.escape(part) if len(part) >= 6 else rf"(?<!\w){re.escape(part)}(?!\w)"
        text = re.sub(pattern, "***", text)
    return text


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What Apprise logs in the block, kept from every other log: it names addresses in full."""
    said: list[str] = []
    logger = logging.getLogger("apprise")
    handler = _Listener(said)
    before = logger.level, logger.propagate, logger.handlers
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    try:
        yield said
    finally:
        level, logger.propagate, logger.handlers = before
        logger.setLevel(level)


class _Listener(logging.Handler):
    """Keeps what says why a message did not go out: warnings, and the exception behind them."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING or "Exception" in text:
            self._said.append(text)


def _reason(said: list[str], url: str) -> str:
    text = " ".join(" ".join(line.split()) for line in said) or "no reason given"
    # Before it is cut: half a secret would not be found.
    text = redact(text, url)
    return text if len(text) <= MAX_REASON else text[:MAX_REASON] + "..."
