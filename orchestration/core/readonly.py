"""SQLite files of a home, read without a write: no upgrade, no journal, no lock that outlives the block."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

WAIT_SECONDS = 10


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that may be on a disk mounted read-only.

    Raises sqlite3.Error when it is not there, damaged, or in the middle of a write that was killed.
    """
    address = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)) as connection:
        yield connection
