"""Small marts of known content, for what publish makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from oracle.ledger import Published
from oracle.stages import DAY, FOREVER, days_between

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.ledger import Comparison, Identity, write_ledger
from orchestration.publish.marts import create_macros, new_release

MARTS = read_contracts(PROJECT_ROOT / "dbt_project")
# Where tests give some columns only.
COLUMNS = {
    "dim_brand": {"brand_id", "first_day", "horizon"},
    "fct_aipl_stage_history": {column.name for column in MARTS["fct_aipl_stage_history"].columns}
    - {"previous_rank"},
}
Rows = list[tuple[Any, ...]]
START = date(2024, 1, 1)


def marts_of(release: Published, first_day: date) -> dict[str, Rows]:
    """The marts that tell what a release knows; a rule is called by its number."""
    rules: Rows = [
        (
            preset, str(number), rule.stage, known.rank(rule.stage), rule.kind, rule.touch_kind,
            rule.window_days, rule.min_count, rule.min_rating, known.refund_policy, "ours", "high",
        )
        for preset, known in release.presets.items()
        for number, rule in enumerate(known.rules)
    ]  # fmt: skip
    return {
        "dim_aipl_rule": rules,
        "dim_aipl_stage": [
            (preset, stage, rank, stage, stage)
            for preset, known in release.presets.items()
            for stage, rank in known.ranks.items()
        ],
        "dim_brand": [(brand, first_day, horizon) for brand, horizon in release.horizons.items()],
        "dim_person_key": [(person, key, "visitor", since, since) for person, key, since in release.keys],
        "fct_aipl_daily": [
            (preset, brand, day, stage, rank, release.stock(preset, brand, day, stage))
            for preset, known in release.presets.items()
            for brand, horizon in release.horizons.items()
            for day in (days_between(first_day - DAY, horizon) if horizon else [])
            for stage, rank in known.ranks.items()
            if rank
        ],
        "fct_aipl_stage_history": history_rows(release),
        "fct_person_days": [(*key, *known) for key, known in release.person_days.items()],
        "fct_person_states": [
            ("shop", f"{number}", brand, person, kind, 0, joined, left)
            for number, (brand, person, kind, joined, left) in enumerate(release.states)
        ],
    }


def history_rows(release: Published) -> Rows:
    """Stages by day as half-open rows without gap, O from the first day without a stage on."""
    rows: Rows = []
    for person, stages in release.stages.items():
        if not stages:
            continue
        since, stage = min(stages), stages[min(stages)]
        for day in days_between(min(stages), max(stages) + DAY):
            if (today := release.stage(person, day)) != stage:
                rows.append((*person, stage, since, day))
                since, stage = day, today
        rows.append((*person, stage, since, FOREVER))
    return [
        (preset, brand, person, stage, release.presets[preset].rank(stage), since, until)
        for preset, brand, person, stage, since, until in rows
    ]


def fill(connection: duckdb.DuckDBPyConnection, schema: str, marts: Mapping[str, Rows]) -> None:
    """Create the marts as tables in `schema`."""
    for mart, rows in marts.items():
        columns = ", ".join(
            f"{column.name} {column.data_type}"
            for column in MARTS[mart].columns
            if column.name in COLUMNS.get(mart, {column.name})
        )
        connection.execute(f"create or replace table {schema}.{mart} ({columns})")
        if rows:
            row = "(" + ", ".join("?" * len(rows[0])) + ")"
            values = [value for line in rows for value in line]
            connection.execute(f"insert into {schema}.{mart} values {', '.join([row] * len(rows))}", values)


def add_marts(settings: Settings, marts: Mapping[str, Rows]) -> None:
    """Put the marts into the warehouse of a home, for a publish."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("drop table marts.dim_brand")
        fill(connection, "marts", marts)


@dataclass
class Chain:
    """Databases of releases that follow each other, without all that a whole publish does beside."""

    folder: Path
    released: int = 0

    @property
    def current(self) -> Path:
        """The database of the last release."""
        return self.folder / str(self.released) / "marts.duckdb"

    def publish(self, name: str, marts: Mapping[str, Rows]) -> Comparison:
        """Make the next release."""
        with duckdb.connect() as connection:
            previous = self.current.parent if self.released else None
            if previous:
                connection.execute(f"attach '{self.current}' as previous (read_only)")
            self.released += 1
            folder = self.folder / str(self.released)
            folder.mkdir()
            created = datetime(2024, 2, 1, 12, 0, self.released)
            previous_name = str(self.released - 1) if self.released > 1 else None
            identity = Identity(name, previous_name, created, "rules", "duckdb")
            with new_release(connection, folder):
                fill(connection, "release.main", marts)
                comparison, _ = write_ledger(connection, folder, identity, previous)
                create_macros(connection)
            return comparison

    def query(self, sql: str) -> Rows:
        """Rows of a query on the last release."""
        with duckdb.connect(str(self.current), read_only=True) as connection:
            return connection.execute(sql).fetchall()
