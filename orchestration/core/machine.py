"""Problems with the machine, a full or inaccessible disk or too little memory, as messages to act on."""

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
SHUT = (errno.EROFS, errno.EACCES, errno.EPERM)
SHUT_WORDS = (os.strerror(errno.EROFS), os.strerror(errno.EACCES))
SQLITE_SHUT = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
# The last byte of SQLite's extended codes.
PRIMARY = 0xFF
# With which DuckDB's message begins, and what it says of its limit.
NO_MEMORY, MEMORY_LIMIT = "Out of Memory Error", re.compile(r"/([\d.]+ \w+) used\)")
QUOTED_PATH = re.compile(r"""["'](/[^"'\n]+)["']""")


def machine_fault(error: BaseException) -> EnvironmentStop | None:
    """The error to show instead of `error` if the machine caused it, else None.

    The disk may be full, over a quota or a size limit, read-only, or inaccessible to this user; or DuckDB may
    be short of memory.
    """
    for cause in _causes(error):
        if _is_full(cause):
            return no_room(f"{cause} {getattr(cause, 'filename', None) or ''!r}")
        if tells_of_no_memory(str(cause)):
            return no_memory(str(cause))
        if told := _shut(cause):
            return EnvironmentStop(
                f"{told}. Let the user that runs this read and write there, or name another home with"
                " AIPL_HOME, then run again."
            )
    return None


def require_home(home: Path) -> None:
    """Make the folder of a home where there is none.

    Raises EnvironmentStop when it cannot be made or written.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in FULL:
            raise no_room(str(error)) from error
        reason = str(error.strerror)
    else:
        if os.access(home, os.R_OK | os.W_OK | os.X_OK):
            return
        reason = "this user may not write there, or the disk is read-only"
    raise EnvironmentStop(
        f"AIPL_HOME {home} cannot be used: {reason}. Correct that or name another folder; nothing was made."
    )


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


def tells_of_no_memory(text: str) -> bool:
    """Whether a message of DuckDB is about the memory that it may use."""
    return NO_MEMORY in text


def no_memory(message: str) -> EnvironmentStop:
    """What to tell of a query that needs more memory than it may use."""
    limit = MEMORY_LIMIT.search(message)
    allowed = f" ({limit[1]})" if limit else ""
    return EnvironmentStop(
        f"DuckDB needs more memory than it may use{allowed}. Set AIPL_MEMORY to more, up to three quarters of"
        " what the machine has, then run `aipl run` again. The current release remains readable."
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


def _shut(error: BaseException) -> str:
    """What cannot be opened or written, and why; empty for an error of another kind."""
    if isinstance(error, OSError):
        return f"{error.filename} cannot be used: {error.strerror}" if error.errno in SHUT else ""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None) or 0
        return f"A database of the home cannot be used: {error}" if code & PRIMARY in SQLITE_SHUT else ""
    named = QUOTED_PATH.search(str(error))
    reason = next((words for words in SHUT_WORDS if words in str(error)), "")
    return f"{named[1]} cannot be used: {reason}" if named and reason else ""
