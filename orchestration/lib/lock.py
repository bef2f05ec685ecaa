"""One writer per home: whoever pulls, builds or publishes holds this lock for the whole run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from orchestration.lib.errors import InputError


@contextmanager
def writer_lock(home: Path) -> Iterator[None]:
    """Hold the lock of `home`; a process that holds it may take it again.

    Raises InputError at once when another process holds it. The operating system frees the lock of a
    process that died, so that nothing has to be cleaned up by hand.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / ".writer.lock", is_singleton=True, thread_local=False)
    owner = home / ".writer"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise InputError(_busy(home, owner)) from error
    try:
        if lock.lock_counter == 1:
            owner.write_text(f"{os.getpid()} {datetime.now().astimezone().isoformat(timespec='seconds')}")
        yield
    finally:
        if lock.lock_counter == 1:
            owner.unlink(missing_ok=True)
        lock.release()


def _busy(home: Path, owner: Path) -> str:
    try:
        pid, since = owner.read_text().split()
    except (FileNotFoundError, ValueError):
        holder = "another process"
    else:
        holder = f"process {pid}, since {since}"
    return f"{home} is being written by {holder}. Wait until it is done, or stop it, then try again."
