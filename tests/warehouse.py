"""A warehouse in a folder of its own, for tests that need pull and dbt but no Dagster."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from multiprocessing.connection import wait
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any

import duckdb
from forked_dbt import be_dbt
from forks import PROCESSES
from unit.publish_home import HomeSettings

from expectations.contracts import read_contracts
from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.arrival.loads import decide_loads
from orchestration.arrival.pull import pull
from orchestration.build.around_dbt import finish_build, prepare_build, write_dbt_inputs
from orchestration.build.by_hand import parse, run_by_hand
from orchestration.build.dbt import build_arguments, dbt_environment
from orchestration.build.reach import models_to_run
from orchestration.core.settings import PROJECT_ROOT, Settings

ONE_AT_A_TIME = Lock()
# Of one day, whenever the test runs: dumps without a load date must not differ between two warehouses.
TODAY = date(2026, 6, 1)


@dataclass(frozen=True)
class Warehouse:
    """Pulls, accepts and builds below `home`; `rows` reads back what stands in a relation."""

    home: Path
    sources_file: Path = PROJECT_ROOT / "sources.yml"

    @property
    def settings(self) -> Settings:
        """Settings of this home."""
        return Settings(self.home, self.sources_file)

    def load(self, source_id: str, dumps: Path, load_dates: Collection[date] | None = None) -> None:
        """Pull the new dumps of these load dates (None: all) and accept every load."""
        source = configured_sources(self.settings)[source_id]
        report = pull(self.settings, source, load_dates, str(dumps), TODAY)
        assert not report.refused, report.refused
        decide_loads(self.settings, source_id, dict.fromkeys(report.load_dates))

    def build(self, variables: Mapping[str, Any] | None = None, *, only: Collection[str] = ()) -> bool:
        """Build what has been loaded, laws included; returns whether it was built in full.

        `variables` are dbt's, always the same ones for one warehouse. `only` names the models that the test
        reads: they are built, and tested, with all that they are made from and nothing else.
        """
        sources = configured_sources(self.settings)
        told = dbt_sources(self.settings, sources)
        write_dbt_inputs(self.settings, sources)
        preparation = prepare_build(self.settings, told)
        if only:
            # The test selects in place of the build.
            preparation = replace(preparation, changed=None)
        changed = preparation.changed
        models = models_to_run(self.settings, self.manifest, changed) if changed is not None else None
        arguments = build_arguments(self.settings, sources, in_full=preparation.is_full, models=models)
        if variables:
            arguments += ["--vars", json.dumps(variables)]
        if only:
            # A test that also reads a model that is not built would fail for want of it.
            arguments += ["--indirect-selection", "cautious", "--select", *(f"+{model}" for model in only)]
        self.dbt(*arguments, **preparation.variables)
        finish_build(self.settings, preparation.build)
        return preparation.is_full

    def by_hand(self, *arguments: str, force: bool = False) -> str:
        """Run a dbt command that builds, and succeeds, as `aipl dbt` does; returns what it printed."""
        sources, printed = configured_sources(self.settings), []

        def run() -> int:
            printed.append(self.dbt(*arguments))
            return 0

        told = dbt_sources(self.settings, sources)
        run_by_hand(self.settings, sources, told, parse(arguments), run, force=force)
        return "".join(printed)

    def dbt(self, *arguments: str, **environment: str) -> str:
        """Run a dbt command that must succeed, with more environment; returns what it printed."""
        told = dbt_sources(self.settings, configured_sources(self.settings))
        # What failed is on the console; writing down the rest takes a sixth of a small build.
        command = ("--log-level-file", "none", *arguments)
        variables = os.environ | dbt_environment(self.settings, told) | environment
        with NamedTemporaryFile("r", encoding="utf-8") as printed:
            # Two seconds of each start of dbt are imports.
            process = PROCESSES.Process(target=_dbt, args=(command, variables, printed.name))
            # A start asks after all others, and of two threads that ask after one, one loses its status.
            with ONE_AT_A_TIME:
                process.start()
            wait([process.sentinel])
            with ONE_AT_A_TIME:
                process.join()
            text = printed.read()
        assert process.exitcode == 0, text[-6000:]
        return text

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest of the last dbt command."""
        return dict(json.loads((self.settings.dbt_target / "manifest.json").read_text()))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the warehouse file."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, relation: str) -> Counter[tuple[Any, ...]]:
        """All rows of a relation, as often as they stand in it; columns in the order of their names."""
        columns = self.query(f"select column_name from (describe {relation}) order by 1")
        names = ", ".join(f'"{name}"' for (name,) in columns)
        return Counter(self.query(f"select {names} from {relation}"))

    def mart_names(self) -> list[str]:
        """All marts but those that are views alone, which have no rows but those of others."""
        names = self.query(
            "select table_name from information_schema.tables where table_schema = 'marts' order by 1"
        )
        contracts = read_contracts(self.settings.dbt_project)
        return [name for (name,) in names if contracts[name].published != "view_only"]

    def marts(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """All rows of every mart, by its name."""
        return {name: self.rows(f"marts.{name}") for name in self.mart_names()}


def _dbt(command: Sequence[str], variables: Mapping[str, str], printed: str) -> None:
    with Path(printed).open("wb") as stream:
        be_dbt(command, variables, stream.fileno())


@dataclass(frozen=True)
class OwnWarehouse(Warehouse):
    """A warehouse built by a copy of the dbt project, which a test may change."""

    @classmethod
    def make(cls, home: Path, sources_file: Path = PROJECT_ROOT / "sources.yml") -> OwnWarehouse:
        """A home that holds a copy of the dbt project as it is shipped."""
        own = cls(home, sources_file)
        ignored = shutil.ignore_patterns("target", "logs")
        shutil.copytree(PROJECT_ROOT / "dbt_project", own.settings.dbt_project, ignore=ignored)
        return own

    @property
    def settings(self) -> Settings:
        """Settings of this home."""
        return HomeSettings(self.home, self.sources_file)
