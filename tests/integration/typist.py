"""Somebody who types dbt commands with random selections, and what must hold after each."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
from warehouse import Warehouse

from orchestration.build.state import is_untouched, read_build, warehouse_mark, write_build

SHAPES = ("{}", "{}", "+{}", "{}+", "1+{}+1", "@{}", "2+{}")


class Typist:
    """Types random commands on the models of a warehouse that was built."""

    def __init__(self, warehouse: Warehouse, seed: object) -> None:
        self.warehouse, self.dice = warehouse, random.Random(f"typist {seed}")
        target, self.state = warehouse.settings.dbt_target, warehouse.home / "state"
        self.state.mkdir()
        shutil.copy(target / "manifest.json", self.state)
        nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
        models = [node for node in nodes if node["resource_type"] == "model"]
        folders = {str(Path(node["original_file_path"]).parent) for node in models}
        names = {node["name"] for node in models}
        self.names = sorted(n for n in names if not n.startswith("stg_") or "sample_shop" in n)
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

    def type(self) -> None:
        """Run a command, which leaves the build as it was, and no changes but those that it made."""
        command = self.command()
        print("aipl dbt --", *command)
        self.warehouse.by_hand(*command)
        assert is_untouched(self.warehouse.settings, read_build(self.warehouse.settings))
        results = self.warehouse.settings.dbt_target / "run_results.json"
        if command[0] != "seed" and results.exists():
            built = {
                one["unique_id"].rpartition(".")[2] for one in json.loads(results.read_text())["results"]
            }
            changed = "select table_name from duckdb_tables() where schema_name = 'changes'"
            assert {name.partition("__")[0] for (name,) in self.warehouse.query(changed)} <= built
        results.unlink(missing_ok=True)


def reword(warehouse: Warehouse) -> None:
    """Leave the comments of a mart as if its descriptions had been others."""
    build = read_build(warehouse.settings)
    assert build is not None
    with duckdb.connect(str(warehouse.settings.warehouse)) as connection:
        connection.execute("comment on column marts.fct_person_days.person_id is 'Other words.'")
    mark = warehouse_mark(warehouse.settings)
    write_build(warehouse.settings, replace(build, warehouse=mark, project="other words"))
