"""Increments that change rows in place: MERGE deletes what gives way, and DuckDB reads what is left.

In Delta on Sail, since packages of Delta and Iceberg for Spark are not on the package index; or on the server
and in the format that AIPL_TEST_REMOTE and AIPL_TEST_FORMAT name.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.spark_server import needs_sail, run_dbt, sail_server
from orchestration.build.engine.facade import query_of
from orchestration.build.engine.on_spark import OnSpark
from orchestration.core.database import connect
from orchestration.core.errors import EnvironmentStop
from orchestration.core.settings import PROJECT_ROOT, Settings

REMOTE = os.environ.get("AIPL_TEST_REMOTE", "")
FORMAT = os.environ.get("AIPL_TEST_FORMAT", "delta")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
if not REMOTE:
    pytestmark.append(needs_sail)

FIRST = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = pa.schema(
    {
        "id": pa.int64(),
        "group_id": pa.string(),
        "amount": pa.decimal128(10, 2),
        "updated_at": pa.timestamp("us", tz="UTC"),
    }
)
# Group, amount and time of a row, by its ID.
Rows = Mapping[int, tuple[str, Decimal | None, datetime]]


def drawn(numbers: random.Random, before: Rows) -> Rows:
    """Some rows stay, others change, move to another group, come or go."""
    rows = {}
    for number in range(30):
        fate = numbers.random()
        if number in before and fate < 0.5:
            rows[number] = before[number]
        elif fate < 0.8:
            amount = None if fate < 0.55 else Decimal(numbers.randrange(100_000)) / 100
            rows[number] = (numbers.choice("abcdefgh"), amount, FIRST + timedelta(numbers.randrange(100)))
    return rows


def changed_groups(before: Rows, after: Rows) -> set[str]:
    """Groups that a row came to, or left with none to follow: one that moves gives way by its key."""
    return {
        (after.get(number) or before[number])[0]
        for number in before.keys() | after.keys()
        if before.get(number) != after.get(number)
    }


@dataclass(frozen=True)
class Home:
    """A home of one model, which is built by the server at an address."""

    settings: Settings
    remote: str

    def build(self, rows: Rows, groups: set[str], *arguments: str) -> None:
        """Build from these rows, of which those of the groups have changed."""
        folder = self.settings.home
        lines = [dict(zip(COLUMNS.names, (number, *row), strict=True)) for number, row in rows.items()]
        pq.write_table(pa.Table.from_pylist(lines, COLUMNS), folder / "rows.parquet")
        changed = pa.table({"group_id": pa.array(sorted(groups), pa.string())})
        pq.write_table(changed, folder / "changed.parquet")
        self._drop_changes()
        environment = {
            "AIPL_DBT_CONTINUES": "true",
            "AIPL_SPARK_FORMAT": FORMAT,
            "AIPL_SPARK_TABLES": str(self.settings.engine_tables),
            "AIPL_WAREHOUSE": str(self.settings.warehouse),
            "DBT_LOG_PATH": str(folder / "dbt"),
            "DBT_PROFILES_DIR": str(PROJECT_ROOT / "dbt_project"),
            "DBT_PROJECT_DIR": str(Path(__file__).with_name("one_model")),
            "DBT_TARGET_PATH": str(folder / "dbt"),
            "DELIVERED": str(folder),
            "SPARK_REMOTE": self.remote,
        }
        run_dbt(folder / "build.log", environment, "run", *arguments)

    def rows(self) -> Rows:
        """The table as DuckDB reads it."""
        files = OnSpark(self.remote, FORMAT).tables(self.settings).files("marts", "kept")
        with connect() as connection:
            found = connection.execute(query_of(connection, files)).fetchall()
        assert len(found) == len({number for number, *_ in found})
        return {number: (group, amount, at.replace(tzinfo=UTC)) for number, group, amount, at in found}

    def _drop_changes(self) -> None:
        statements = ["drop schema if exists changes cascade", "create schema changes", "show databases"]
        OnSpark(self.remote).tell(self.settings, statements)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    settings = Settings(tmp_path / "home", tmp_path / "sources.yml")
    settings.home.mkdir()
    with nullcontext(REMOTE) if REMOTE else sail_server(tmp_path) as remote:
        yield Home(settings, f"{remote}/;session_id={uuid.uuid4()}")


def test_an_increment_changes_rows_in_place(home: Home) -> None:
    numbers = random.Random(20)
    rows = drawn(numbers, {})
    home.build(rows, set(), "--full-refresh")
    assert home.rows() == rows
    (first,) = home.settings.engine_tables.glob("marts/kept/**/*.parquet")
    for _ in range(2):
        before, rows = rows, drawn(numbers, rows)
        home.build(rows, changed_groups(before, rows))
        assert home.rows() == rows
    assert first.exists(), "the table was rewritten"

    home.build({}, changed_groups(rows, {}))
    assert home.rows() == {}
    home.build(rows, changed_groups({}, rows))
    assert home.rows() == rows


def test_rows_that_a_vector_deletes_are_not_read(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path / "sources.yml")
    log = settings.engine_tables / "marts" / "kept" / "_delta_log"
    log.mkdir(parents=True)
    features = ["deletionVectors"]
    versions = {"minReaderVersion": 3, "minWriterVersion": 7}
    schema = {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]}
    actions = [
        {"protocol": {**versions, "readerFeatures": features, "writerFeatures": features}},
        {
            "metaData": {
                "id": str(uuid.uuid4()),
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps(schema),
                "partitionColumns": [],
                "configuration": {},
                "createdTime": 0,
            }
        },
    ]
    (log / "00000000000000000000.json").write_text("\n".join(map(json.dumps, actions)))
    with pytest.raises(EnvironmentStop, match="deletion vectors, which DuckDB does not read"):
        OnSpark("sc://nobody", "delta").tables(settings)
