"""What relies on private parts of a library is still needed, and still does what the library does.

Where a test of need fails, the library has changed: remove what stands in for it, or measure it again.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.resources import files

import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

ENDING = """
import atexit, sys
from orchestration.compat.quick_exit import leave
class Freed:
    def __del__(self): print("freed")
kept = Freed()
atexit.register(print, "at exit")
sys.stdout.write("said ")
{end}(7)
"""


def ended(end: str) -> subprocess.CompletedProcess[str]:
    code = ENDING.format(end=end)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_quick_exit_is_an_exit_that_frees_nothing() -> None:
    quick, usual = ended("leave"), ended("sys.exit")
    assert (quick.returncode, quick.stdout) == (7, "said at exit\n")
    assert (usual.returncode, usual.stdout) == (7, "said at exit\nfreed\n"), "Python no longer frees: use it"


def test_dagster_still_opens_its_database_for_each_event() -> None:
    assert "create_engine(" in inspect.getsource(SqliteEventLogStorage._connect)


@pytest.mark.parametrize("kind", ["table", "incremental"])
def test_dbt_duckdb_still_swaps_names_in_place_of_making_a_table(kind: str) -> None:
    macros = files("dbt.include.duckdb") / "macros" / "materializations" / f"{kind}.sql"
    assert "rename_relation" in macros.read_text()
