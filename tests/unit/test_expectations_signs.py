"""Signs of what staging would take for something else: told with an example, and only where they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from expectations.results import ExpectationResult, Scalar
from expectations.runner import run_arrival
from expectations.suites.arrival import ArrivalFile, ArrivalTable, EventTime

DAY = date(2024, 9, 1)
Row = tuple[str | None, ...]
COLUMNS = ("number", "customer", "device", "placed")
PEOPLE: list[Row] = [
    (f"o{n}", f"c{n % 60}", f"d{n % 90}", f"2024-09-01 10:00:{n % 60:02}") for n in range(120)
]


def judged(folder: Path, loads: Sequence[Sequence[Row]], **changes: object) -> dict[str, ExpectationResult]:
    """Warnings by rule about loads of successive days."""
    files = []
    for number, rows in enumerate(loads):
        path = folder / f"{number}.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"create table t ({', '.join(f'{name} varchar' for name in COLUMNS)})")
            connection.executemany("insert into t values (?, ?, ?, ?)", rows)
            connection.table("t").write_parquet(str(path))
        files.append(ArrivalFile(DAY + timedelta(days=number), path, len(rows), 0))
    settings: dict[str, object] = {
        "source_id": "shop",
        "table": "orders",
        "not_null": [],
        "vocabulary": {},
        "max_unreadable_share": 0.01,
        "files": files,
        "identifiers": {"member": ["customer"], "visitor": ["device"], "order": ["number"]},
        "event_time": EventTime("placed"),
        "placeholders": ["null"],
    }
    result = run_arrival([ArrivalTable(**(settings | changes))])  # type: ignore[arg-type]
    assert result.outcome == "passed", result.summary_lines()
    return {found.name: found for found in result.warnings}


def changed(column: str, value: str | None, rows: int) -> list[Row]:
    """People whose first rows have this in a column."""
    position = COLUMNS.index(column)
    return [
        (*row[:position], value, *row[position + 1 :]) if number < rows else row
        for number, row in enumerate(PEOPLE)
    ]


@pytest.mark.parametrize(
    ("rows", "rule", "example"),
    [
        (
            changed("customer", "Guest", 3),
            "ids_are_of_people",
            {"column": "customer", "value": "Guest", "rows": 3, "share": 0.025},
        ),
        (
            changed("device", " guest ", 60),
            "ids_are_of_people",
            {"column": "device", "value": "guest", "rows": 60, "share": 0.5},
        ),
        (
            changed("device", "Laden", 30),
            "ids_are_of_people",
            {"column": "device", "value": "Laden", "rows": 30, "share": 0.25},
        ),
        (
            changed("customer", "0000", 30),
            "ids_are_of_people",
            {"column": "customer", "value": "0000", "rows": 30, "share": 0.25},
        ),
        (
            # It may be a person's: who, only the dump says.
            changed("customer", "kim@example.com", 30),
            "ids_are_of_people",
            {"column": "customer", "value": "***", "rows": 30, "share": 0.25},
        ),
        (
            changed("number", "1.03E+19", 1),
            "ids_keep_their_digits",
            {"column": "number", "value": "1.03E+19", "rows": 1},
        ),
        (
            changed("number", "T2", 3),
            "documents_of_one_person",
            {"column": "number", "value": "T2", "persons": 3, "rows": 3},
        ),
        (
            changed("placed", "2024-09-01T18:00:00Z", 2),
            "times_name_zones_alike",
            {"column": "placed", "value": "2024-09-01T18:00:00Z", "naming_a_zone": 2, "naming_none": 118},
        ),
        (
            changed("placed", "2024-09-01 18:00:00 +08:00", 118),
            "times_name_zones_alike",
            {
                "column": "placed",
                "value": "2024-09-01 18:00:00 +08:00",
                "naming_a_zone": 118,
                "naming_none": 2,
            },
        ),
    ],
)
def test_a_sign_is_told_with_its_load_and_an_example(
    tmp_path: Path, rows: list[Row], rule: str, example: dict[str, Scalar]
) -> None:
    (found,) = judged(tmp_path, [PEOPLE, rows, PEOPLE]).values()
    assert found.name == rule
    assert found.load_dates == (DAY + timedelta(days=1),)
    assert found.examples == ({"load_date": "2024-09-02", **example},)


@pytest.mark.parametrize(
    "rows",
    [
        PEOPLE,
        PEOPLE[:1],
        # Staging reads it as nobody.
        changed("customer", "NULL", 100),
        changed("customer", None, 120),
        # A robot has many visits, a robot that says what it is too few rows to be absurd.
        changed("device", "d-4711", 100),
        changed("customer", "c1", 20),
        changed("customer", "guest", 2),
        changed("placed", "2024-09-01T18:00:00Z", 120),
        changed("placed", "2024-09-01T18:00:00Z", 1),
        changed("placed", "yesterday", 60),
    ],
)
def test_what_is_usual_is_no_sign(tmp_path: Path, rows: list[Row]) -> None:
    assert judged(tmp_path, [rows]) == {}


def test_what_a_source_declares_is_no_sign(tmp_path: Path) -> None:
    shared, guests = changed("number", "T2", 9), changed("customer", "guest", 90)
    assert judged(tmp_path, [shared], documents_repeat=True) == {}
    assert judged(tmp_path, [guests], placeholders=["null", "Guest"]) == {}
    assert judged(tmp_path, [[*shared, *guests]], identifiers={}) == {}


def test_the_first_three_of_each_load_are_shown_however_many_rows_are_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row for number in range(5) for row in changed("number", f"T{number}", 2)[:2]]
    whole = judged(tmp_path, [rows, PEOPLE, rows])
    monkeypatch.setattr("expectations.profile.BATCH_ROWS", 1)
    (found,) = judged(tmp_path, [rows, PEOPLE, rows]).values()
    assert (found,) == tuple(whole.values())
    assert [example["value"] for example in found.examples] == ["T0", "T1", "T2"] * 2
    assert found.load_dates == (DAY, DAY + timedelta(days=2))
