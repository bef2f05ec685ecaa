"""`aipl-dbt`: dbt's own command line, in a process that dies with the one that started it.

Killing a run leaves its dbt alive by default; it would go on writing the warehouse, and commit, after the run
was declared dead and while the next one is at work. Linux can end it with its parent. Elsewhere an orphan
still holds DuckDB's lock on the warehouse: the next run stops with that message, and what was left half built
is rebuilt in full.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

PARENT = "AIPL_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int | None) -> None:
    """Ask Linux to kill this process when its parent ends. Exits at once when `parent` has ended already."""
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if parent is not None and os.getppid() != parent:
        sys.exit("aipl-dbt: the run that started this dbt has ended already")


def write_what_is_wanted() -> None:
    """Have dbt ask whether a message is wanted before it makes a line of it; by itself it asks afterwards.

    Nine of ten are not, and their lines are a tenth of what a night's dbt does.
    """
    from dbt_common.events import logger
    from dbt_common.events.base_types import EventLevel

    write_line = logger._Logger.write_line

    def write_wanted(self: logger._Logger, msg: EventMsg) -> None:
        log = self._python_logger
        level = logger._log_level_map[EventLevel(msg.info.level)]
        if log is None or log.isEnabledFor(level) or logger._is_print_event(msg):
            write_line(self, msg)

    logger._Logger.write_line = write_wanted  # type: ignore[method-assign]


def main() -> None:
    """Run dbt with the arguments of this process."""
    parent = os.environ.get(PARENT)
    die_with_parent(int(parent) if parent else None)
    if sys.argv[1:] == ["--version"]:
        # dbt's own answer asks the package index for news; Dagster wants it before every command.
        print(f"dbt-core {version('dbt-core')}")
        return
    from dbt.cli.main import cli

    write_what_is_wanted()
    cli()


if __name__ == "__main__":
    main()
