"""A part built by hand leaves a warehouse whose next night is an increment and equals a full build.

Random dbt commands with random selections are run between random nights. The environment:

    AIPL_PROVE_SELECTIONS    how many commands (4)
    AIPL_PROVE_SEED          what to draw them, the world and the nights from (0)
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from warehouse import Warehouse
from worlds.delivery import Files, batches, final_files, write, write_sources

from orchestration.build.state import is_untouched, read_build, warehouse_mark, write_build
from orchestration.core.settings import PROJECT_ROOT

COMMANDS = int(os.environ.get("AIPL_PROVE_SELECTIONS", "4"))
SEED = int(os.environ.get("AIPL_PROVE_SEED", "0"))
WORLDS = 12
COMMANDS_A_NIGHT = 4
SHAPES = ("{}", "{}", "+{}", "{}+", "1+{}+1", "@{}", "2+{}")

pytestmark = pytest.mark.timeout(1800)


class Typist:
    """Types random commands on the models of a project."""

    def __init__(self, dice: random.Random, target: Path) -> None:
        self.dice, self.state = dice, target.with_name("state")
        self.state.mkdir()
        shutil.copy(target / "manifest.json", self.state)
        nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
        models = [node for node in nodes if node["resource_type"] == "model"]
        folders = {str(Path(node["original_file_path"]).parent) for node in models}
        self.names = sorted(node["name"] for node in models)
        self.sets = sorted({f"path:{folder}" for folder in folders if "staging" not in folder})
        self.sets += [f"config.materialized:{kind}" for kind in ("incremental", "table", "view")]

    def selection(self) -> str:
        """One argument of --select."""
        shape, name = self.dice.choice(SHAPES), self.dice.choice(self.names)
        return self.dice.choice(
            [shape.format(name)] * 6 + [self.dice.choice(self.sets), f"state:old,{shape.format(name)}"]
        )

    def command(self) -> list[str]:
        """A command with its arguments."""
        command = self.dice.choice(["build"] * 4 + ["run"] * 4 + ["seed"])
        if command == "seed":
            return [command, *self.dice.choice([[], ["--full-refresh"], ["--select", "touch_kinds"]])]
        typed = [command, "--state", str(self.state)]
        typed += ["--select", *(self.selection() for _ in range(self.dice.choice([1, 1, 2])))]
        if self.dice.random() < 0.4:
            typed += ["--exclude", self.selection()]
        if command == "build" and self.dice.random() < 0.8:
            # They check SQL that did not change, and take longest.
            typed += ["--exclude-resource-type", "unit_test"]
        return typed


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


def assert_whole(warehouse: Warehouse) -> None:
    """The build that there was stands, and no model has changes that this dbt did not make."""
    assert is_untouched(warehouse.settings, read_build(warehouse.settings))
    results = warehouse.settings.dbt_target / "run_results.json"
    if results.exists() and (told := json.loads(results.read_text()))["args"]["which"] != "seed":
        built = {result["unique_id"].rpartition(".")[2] for result in told["results"]}
        changed = warehouse.query("select table_name from duckdb_tables() where schema_name = 'changes'")
        assert {name for (name,) in changed} <= built
        results.unlink()


def reword(warehouse: Warehouse) -> None:
    """Leave the comments of a mart as if its descriptions had been others."""
    build = read_build(warehouse.settings)
    assert build is not None
    with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
        connection.execute("comment on column marts.fct_person_days.person_id is 'Other words.'")
    write_build(warehouse.settings, replace(build, warehouse=warehouse_mark(warehouse.settings)))


def start_over(warehouse: Warehouse) -> None:
    """Empty the home, but for what dbt parsed: at the same place it serves again."""
    parsed = warehouse.settings.dbt_target
    aside = parsed.rename(warehouse.home.with_name("parsed"))
    shutil.rmtree(warehouse.home)
    warehouse.home.mkdir()
    aside.rename(parsed)


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
    typist, typed = Typist(random.Random(f"by hand {SEED}"), warehouse.settings.dbt_target), []
    for number, files in enumerate(nights):
        for _ in range(number, COMMANDS, len(nights)):
            typed.append(typist.command())
            print("aipl dbt --", *typed[-1])
            warehouse.by_hand(*typed[-1])
            assert_whole(warehouse)
        reword(warehouse)
        assert not night(files), typed
    found = content(warehouse)
    assert [name for name in wanted if found[name] != wanted[name]] == [], typed
    assert sum(rows.total() for rows in wanted.values()) > 1000
