"""A part built by hand leaves a warehouse whose next night is an increment and equals a full build.

Random dbt commands with random selections are run between random nights. The environment:

    AIPL_PROVE_SELECTIONS    how many commands (0: test_increments.py types a few)
    AIPL_PROVE_SEED          what to draw them, the worlds and the nights from (0)
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typist import Typist, reword
from warehouse import Warehouse
from worlds.delivery import Files, batches, final_files, write, write_sources
from worlds.proof import between

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


COMMENTS = (
    "select table_name, column_name, comment from duckdb_columns() where schema_name = 'marts' order by all"
)


@pytest.mark.skipif(not COMMANDS, reason="AIPL_PROVE_SELECTIONS says how many commands to type")
def test_builds_by_hand_leave_the_night_an_increment(tmp_path: Path) -> None:
    final = final_files(range(SEED * WORLDS, (SEED + 1) * WORLDS))
    sources = write_sources(PROJECT_ROOT / "sources.yml", tmp_path / "sources.yml")

    def night(home: str, files: Files) -> bool:
        write(files, tmp_path / home / "dumps")
        warehouse = Warehouse(tmp_path / home, sources)
        warehouse.load("sample_shop", tmp_path / home / "dumps")
        return warehouse.build()

    first, *nights = nights_of(final, -(-COMMANDS // COMMANDS_A_NIGHT))
    assert night("full", final) and night("typed", first)
    full, typed = Warehouse(tmp_path / "full", sources), Warehouse(tmp_path / "typed", sources)
    typist = Typist(typed, SEED)
    for number, files in enumerate(nights):
        for _ in range(number, COMMANDS, len(nights)):
            typist.type()
        if number == 0:
            # All models run in the night after, and only in that.
            reword(typed)
        assert not night("typed", files)
    assert not between(full, typed)
    assert full.query(COMMENTS) == typed.query(COMMENTS)
    assert sum(rows.total() for rows in full.marts().values()) > 1000
