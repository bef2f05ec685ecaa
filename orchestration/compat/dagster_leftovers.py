"""What Dagster leaves of a run that was deleted: files, and rows of a table. Made for Dagster 1.13.

`DagsterInstance.delete_run` empties the database of a run, but leaves the file at its size, the output of its
steps, and the results of its asset checks: most of what a run takes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from itertools import chain
from pathlib import Path

RUN_ID = "????????-????-????-????-????????????"
WAIT_SECONDS = 60
# Below that, the pages are used again by the next nights.
WORTH_A_VACUUM = 20_000_000


def remove_leftovers(dagster_home: Path, known: Callable[[], Collection[str]]) -> int:
    """Remove what is left of runs that are not `known`; returns the number of files and folders removed.

    `known` gives the ids of all runs of the history. It is asked after the files were listed: a run is in the
    history before it has a file, so that one that begins meanwhile keeps what it has.
    """
    runs = dagster_home / "history" / "runs"
    found = {path: path.name.split(".")[0] for path in _places(dagster_home / "storage", runs)}
    ids = set(known())
    left = [path for path, run_id in found.items() if run_id not in ids]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    if (index := runs / "index.db").exists():
        _forget_checks(index, ids)
    return len(left)


def _places(storage: Path, runs: Path) -> Iterable[Path]:
    return chain(storage.glob(RUN_ID), runs.glob(f"{RUN_ID}.db*"))


def _forget_checks(index: Path, ids: Collection[str]) -> None:
    """Delete the results of checks of other runs, and give much free space back to the disk."""
    with closing(sqlite3.connect(index, isolation_level=None, timeout=WAIT_SECONDS)) as connection:
        connection.execute("create temp table known (run_id text primary key)")
        connection.executemany("insert into known values (?)", [(run_id,) for run_id in ids])
        connection.execute(
            "delete from asset_check_executions where run_id not in (select run_id from known)"
        )
        pages, free, size = (
            connection.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        # The vacuum writes the used part twice: to a file of its own, and to the write-ahead log.
        room = shutil.disk_usage(index.parent).free
        if free > pages / 2 and free * size > WORTH_A_VACUUM and 2 * pages * size < room:
            connection.execute("vacuum")
            connection.execute("pragma wal_checkpoint(truncate)")
