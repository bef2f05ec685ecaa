"""One Apprise address: send a message, and get the reason for a failure without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging.handlers import BufferingHandler
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from orchestration.alerts.messages import Message
from orchestration.core.printable import shortened

if TYPE_CHECKING:
    from apprise import NotifyBase

# Also the bound of a round: Dagster gives a tick of a sensor a minute.
SEND_SECONDS = 15
MAX_BODY = 6000
MAX_REASON = 600
# Services count what the text becomes in their markup, which is a little more.
SHARE_OF_ROOM = 0.8


def send(variable: str, url: str, write: Callable[[int], Message]) -> str | None:
    """Send a message now to the Apprise URL that came from `variable`; None when the service took it.

    Otherwise the reason why not, without secrets. `write` is given the number of characters that a body may
    have, the title left out.
    """
    from apprise import Apprise, NotifyFormat

    url = url.strip()
    with _overheard() as said:
        service = Apprise.instantiate(url)
        if service is None:
            return f"{variable} is not a valid Apprise URL; see docs/alerts.md for examples"
        message = write(room(service))
        apprise = Apprise()
        apprise.add(service)
        try:
            if apprise.notify(
                message.body,
                title=message.title,
                notify_type=message.tone,
                body_format=NotifyFormat.TEXT,
                timeout=SEND_SECONDS,
            ):
                return None
        except Exception as error:
            # A bug in one plugin must not stop delivery on the other routes.
            logging.getLogger("apprise").error("%s: %s", type(error).__name__, error)
        return _reason(said, url)


def room(service: NotifyBase) -> int:
    """Maximum length of a body in characters."""
    return min(int(service.body_maxlen * SHARE_OF_ROOM) - 200, MAX_BODY)


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
def _overheard() -> Iterator[list[logging.LogRecord]]:
    """What Apprise logs in the block, kept from every other log: it names addresses in full."""
    logger, listener = logging.getLogger("apprise"), BufferingHandler(sys.maxsize)
    before = logger.level, logger.propagate, logger.handlers
    logger.handlers, logger.propagate = [listener], False
    logger.setLevel(logging.DEBUG)
    try:
        yield listener.buffer
    finally:
        level, logger.propagate, logger.handlers = before
        logger.setLevel(level)


def _reason(said: list[logging.LogRecord], url: str) -> str:
    """Why a message did not go out: the warnings, and the exceptions behind them."""
    told = [
        record.getMessage()
        for record in said
        if record.levelno >= logging.WARNING or "Exception" in record.getMessage()
    ]
    text = " ".join(" ".join(told).split()) or "no reason given"
    # Before it is cut: half a secret would not be found.
    return shortened(redact(text, url), MAX_REASON)
