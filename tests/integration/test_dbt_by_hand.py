"""A part built by hand leaves a warehouse whose next night is an increment and equals a full build.

Random dbt commands with random selections are run between random nights. The environment:

    AIPL_PROVE_SELECTIONS    how many commands (0: test_increments.py types a few)
    AIPL_PROVE_SEED          what to draw them, the worlds and the nights from (0)
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typist import Typist, reword
from warehouse import Warehouse
from worlds.delivery import Files, batches, final_files, write, write_sources

from orchestration.core.settings import PROJECT_ROOT

COMMANDS = int(os.environ.get("AIPL_PROVE_SELECTIONS", "0"))
SEED = int(os.environ.get("AIPL_PROVE_SEED", "0"))
WORLDS = 12
COMMANDS_A_NIGHT = 4

pytestmark = pytest.mark.timeout(1800)


def nights_of(final: Files, count: int) -> list[Files]:
    """The first delivery, and the later ones in at most so many nights."""
    first, *later = batches(final, SEED)
    size = -(-len(later) // count)
    groups = [later[start : start + size] for start in range(0, len(later), size)]
    return [first, *({name: rows for files in group for name, rows in files.items()} for group in groups)]


def content(warehouse: Warehouse) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that a full build and increments must have in common: rows, and the comments on them."""
    return {
        **warehouse.marts(),
        "int_rejects": warehouse.rows("intermediate.int_rejects"),
        "comments": Counter(
            warehouse.query(
                "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts'"
            )
        ),
    }


def start_over(warehouse: Warehouse) -> None:
    """Empty the home, but for what dbt parsed: at the same place it serves again."""
    parsed = warehouse.settings.dbt_target
    aside = parsed.rename(warehouse.home.with_name("parsed"))
    shutil.rmtree(warehouse.home)
    warehouse.home.mkdir()
    aside.rename(parsed)


@pytest.mark.skipif(not COMMANDS, reason="AIPL_PROVE_SELECTIONS says how many commands to type")
def test_builds_by_hand_leave_the_night_an_increment(tmp_path: Path) -> None:
    final = final_files(range(SEED * WORLDS, (SEED + 1) * WORLDS))
    sources = write_sources(PROJECT_ROOT / "sources.yml", tmp_path / "sources.yml")
    warehouse, dumps = Warehouse(tmp_path / "home", sources), tmp_path / "dumps"

    def night(files: Files) -> bool:
        write(files, dumps)
        warehouse.load("sample_shop", dumps)
        return warehouse.build()

    assert night(final)
    wanted = content(warehouse)
    start_over(warehouse)
    shutil.rmtree(dumps)

    first, *nights = nights_of(final, -(-COMMANDS // COMMANDS_A_NIGHT))
    assert night(first)
    typist = Typist(warehouse, SEED)
    for number, files in enumerate(nights):
        for _ in range(number, COMMANDS, len(nights)):
            typist.type()
        reword(warehouse)
        assert not night(files)
    found = content(warehouse)
    assert [name for name in wanted if found[name] != wanted[name]] == []
    assert sum(rows.total() for rows in wanted.values()) > 1000
