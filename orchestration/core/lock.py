"""One writer per home: a process that pulls, builds or publishes holds this lock for the whole run.

The operating system frees the lock of a process that died. It cannot tell one that was *declared* dead, since
it was suspended or its lock file removed by hand, that somebody else has gone on. So each holder has a
number, the highest so far, and every step that others build upon takes the lock again, which fails for
whoever no longer has the newest number: it is fenced off.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orchestration.core.atomic import replacing
from orchestration.core.errors import EnvironmentStop, HomeBusy, InputError
from orchestration.core.machine import require_home

POLL_SECONDS = 0.5

# The number under which this process holds the lock of a home.
_held: dict[Path, int] = {}


@dataclass(frozen=True)
class Writer:
    """Who took the writer's lock of a home, and when. After a kill this stays until the next one takes it."""

    pid: int
    since: datetime

    def __str__(self) -> str:
        return f"process {self.pid}, since {self.since.isoformat(timespec='seconds')}"


def read_writer(home: Path) -> Writer | None:
    """Who holds the lock, or died with it; None when nobody does. Opens no lock and writes nothing."""
    try:
        pid, since = _owner(home).read_text().split()
        return Writer(int(pid), datetime.fromisoformat(since).astimezone())
    except (FileNotFoundError, ValueError):
        return None


@contextmanager
def writer_lock(
    home: Path, *, wait_seconds: float = 0, say: Callable[[str], None] | None = None
) -> Iterator[int]:
    """Hold the lock of `home`; gives the fencing token. A process that holds it may take it again.

    Waits up to `wait_seconds` for another process, and reports that once through `say`.

    Raises:
        HomeBusy: another process holds it (still).
        EnvironmentStop: the home cannot be written; or this process held it and was taken for dead: another
            one has held it since.
    """
    home = home.resolve()
    require_home(home)
    lock = FileLock(home / ".writer.lock", is_singleton=True, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if wait_seconds and say:
            say(f"{_busy(home)} Waiting up to {wait_seconds / 60:g} minutes.")
        try:
            lock.acquire(timeout=wait_seconds, poll_interval=POLL_SECONDS)
        except Timeout as error:
            raise HomeBusy(f"{_busy(home)} Wait until it finishes, or stop it, then try again.") from error
    try:
        if lock.lock_counter == 1:
            _held[home] = _next_token(home)
            _owner(home).write_text(f"{os.getpid()} {_now()}")
        if _held[home] != (newest := _newest_token(home)):
            raise EnvironmentStop(
                f"This run was taken for dead: it is writer {_held[home]} of {home}, and writer {newest} has"
                " taken over. It stops here and publishes nothing. Run `aipl run` again, and never remove"
                " .writer.lock by hand."
            )
        yield _held[home]
    finally:
        if lock.lock_counter == 1 and _held.pop(home, None) == _newest_token(home):
            for told in (_owner(home), step_note(home)):
                told.unlink(missing_ok=True)
        lock.release()


def held_homes() -> list[Path]:
    """Homes whose lock this process holds."""
    return list(_held)


def step_note(home: Path) -> Path:
    """Where the writer of a home notes what it does; it goes when the lock is let go."""
    return home / ".writer.step"


@contextmanager
def ui_lock(home: Path, command: str = "aipl ui") -> Iterator[None]:
    """Hold the place of the services of `aipl ui`, which keep the run history open.

    They hold it as long as they run; so does a `command` that must be without them.

    Raises:
        InputError: another process holds it, with its number and what it does.
        EnvironmentStop: the home cannot be written.
    """
    home = home.resolve()
    require_home(home)
    lock, owner = FileLock(home / ".ui.lock"), home / ".ui"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        holder = owner.read_text() if owner.exists() else "another process"
        raise InputError(
            f"{home} is in use by {holder}. Stop it, or wait until it ends, then try again."
        ) from error
    try:
        owner.write_text(f"`{command}`, process {os.getpid()}, since {_now()}")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _next_token(home: Path) -> int:
    """A number above all earlier ones, on disk when this returns.

    It is a time too, in nanoseconds, so that it grows even where the file that holds the last one is lost.
    """
    token = max(_newest_token(home) + 1, time.time_ns())
    with replacing(_token_file(home)) as part:
        part.write_text(str(token))
    return token


def _newest_token(home: Path) -> int:
    try:
        return int(_token_file(home).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _token_file(home: Path) -> Path:
    return home / ".writer.token"


def _owner(home: Path) -> Path:
    return home / ".writer"


def _busy(home: Path) -> str:
    return f"{home} is being written by {read_writer(home) or 'another process'}."
