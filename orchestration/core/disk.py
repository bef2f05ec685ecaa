"""Disk-full errors of Python, Arrow, SQLite, DuckDB and dbt, turned into one message."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from orchestration.core.errors import EnvironmentStop

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# DuckDB and dbt tell the system's words and no number.
WORDS = (*(os.strerror(code) for code in FULL), "database or disk is full")
SQLITE_IOERR_WRITE = 778
QUOTED_PATH = re.compile(r"""["'](/[^"'\n]+)["']""")


def disk_full(error: BaseException) -> EnvironmentStop | None:
    """The error to show in place of `error` when a full disk, a quota or a size limit is behind it."""
    for cause in _causes(error):
        if _is_full(cause):
            return no_room(f"{cause} {getattr(cause, 'filename', None) or ''!r}")
    return None


def tells_of_full_disk(text: str) -> bool:
    """Whether a message of some tool is about a full disk."""
    return any(words in text for words in WORDS)


def no_room(message: str, place: Path | None = None) -> EnvironmentStop:
    """What to tell of a write that found no room; the first path in `message`, else `place`, says where."""
    named = QUOTED_PATH.search(message)
    path = Path(named[1]) if named else place
    reason = next((words for words in WORDS if words in message), os.strerror(errno.ENOSPC))
    where = f"There is no room to write {path or 'below AIPL_HOME'}: {reason}."
    folder = next((parent for parent in path.parents if parent.is_dir()), None) if path else None
    if folder:
        where += f" The disk of {folder} has {shutil.disk_usage(folder).free / 1e6:,.0f} MB left."
    return EnvironmentStop(
        f"{where} Free some space there or raise the quota, then run `aipl run` again: it resumes from what"
        " is complete. The current release remains readable."
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, SQLITE_IOERR_WRITE)
    return tells_of_full_disk(str(error))
