"""DuckDB as the program opens it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.core.database import connect, read_only
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import PROJECT_ROOT

# A Python without a file of its own: where DuckDB would draw. Without the program, and through each door.
ASKED = """
import sys
from pathlib import Path

import duckdb
import sqlalchemy

from expectations.compat.duckdb_dialect import read_only_url
from orchestration.core.database import connect, read_only

file, setting = Path(sys.argv[1]), "select current_setting('enable_progress_bar')"
print(duckdb.connect().execute(setting).fetchone()[0])
print(connect().execute(setting).fetchone()[0])
with read_only(file, str) as connection:
    print(connection.cursor().execute(setting).fetchone()[0])
with sqlalchemy.create_engine(read_only_url(file, file.parent)).connect() as connection:
    print(connection.execute(sqlalchemy.text(setting)).scalar())
"""


@pytest.mark.slow  # A process that imports SQLAlchemy.
def test_no_bar_is_drawn_whoever_starts_the_program(tmp_path: Path) -> None:
    file = tmp_path / "marts.duckdb"
    duckdb.connect(str(file)).close()

    answer = subprocess.run(
        [sys.executable, "-c", ASKED, str(file)], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["True", "False", "False", "False"]


def test_the_program_opens_duckdb_by_these_doors_only() -> None:
    opened = {
        str(file.relative_to(PROJECT_ROOT))
        for package in ("orchestration", "expectations", "dashboard")
        for file in (PROJECT_ROOT / package).rglob("*.py")
        if re.search(r"\bduckdb\.connect\(", file.read_text())
    }
    gates = {"expectations/profile.py", "expectations/signs.py"}
    assert opened == {"orchestration/core/database.py", *gates}


def test_what_is_no_database_is_told_in_its_readers_words(tmp_path: Path) -> None:
    file = tmp_path / "marts.duckdb"
    file.write_bytes(b"no database" * 1000)

    with pytest.raises(EnvironmentStop, match=r"told: .*marts"), read_only(file, lambda e: f"told: {e}"):
        pass
    with pytest.raises(duckdb.IOException):
        connect(file, read_only=True)
