"""The arrival gate: it refuses the load dates that are bad, names them, and lets the others in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import isfinite
from pathlib import Path

import duckdb
import pytest
from unit.test_links import anchors

from expectations.figures import WORD
from expectations.profile import _number
from expectations.results import ExpectationResult, GateResult
from expectations.runner import run_arrival
from expectations.suites.arrival import DUPLICATE_SHARE, ArrivalFile, ArrivalTable, EventTime, arrival_suite
from orchestration.arrival.receive import arrival_table
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sources.source import load_sources

DAY = date(2024, 9, 1)
GOOD_ROWS = [("v1", "pv"), ("v2", "buy")] * 50


def store(path: Path, rows: Sequence[tuple[object, object]], types: str = "varchar, varchar") -> Path:
    """A Parquet file of (visitor_id, behaviour) rows."""
    visitor_type, behaviour_type = types.split(", ")
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"create table t (visitor_id {visitor_type}, behaviour {behaviour_type})")
        if rows:
            connection.executemany("insert into t values (?, ?)", rows)
        connection.table("t").write_parquet(str(path))
    return path


def arrived(
    folder: Path, rows: Sequence[tuple[object, object]] = GOOD_ROWS, day: date = DAY, unreadable: int = 0
) -> ArrivalFile:
    path = store(folder / f"load_date={day}" / "events.parquet", rows)
    return ArrivalFile(day, path, len(rows), unreadable)


def events(*files: ArrivalFile, **changes: object) -> ArrivalTable:
    settings: dict[str, object] = {
        "source_id": "shop",
        "table": "events",
        "not_null": [["visitor_id"]],
        "vocabulary": {"behaviour": ["pv", "fav", "cart", "buy"]},
        "max_unreadable_share": 0.01,
        "files": files,
    }
    return ArrivalTable(**(settings | changes))  # type: ignore[arg-type]


def one(result: GateResult, rule: str) -> ExpectationResult:
    (found,) = [found for found in result.results if found.name == rule]
    return found


def test_good_load_is_accepted(tmp_path: Path) -> None:
    bare = {"table": "visits", "not_null": [], "vocabulary": {}}
    result = run_arrival([events(arrived(tmp_path, unreadable=1)), events(arrived(tmp_path / "b"), **bare)])
    assert result.outcome == "passed", result.summary_lines()
    assert result.refused_load_dates() == {}
    rules = {
        "events": "has_rows rows_readable visitor_id_present behaviour_known",
        "visits": "has_rows rows_readable",
    }
    judged = [(f"shop.{table}", rule) for table, names in rules.items() for rule in names.split()]
    assert [(found.table, found.name) for found in result.results] == judged


def test_bad_load_dates_among_many_are_named(tmp_path: Path) -> None:
    """All of them, however many: a page shows the first ten."""
    days = [DAY + timedelta(days=number) for number in range(305)]
    files = [arrived(tmp_path, day=day) for day in days[:4]]
    files[1] = arrived(tmp_path, [(None, "pv")] * 2 + [("v", "pv")] * 98, days[1])
    files[2] = arrived(tmp_path, [("v", "wheel")] * 6 + [("v", "buy")] * 94, days[2])
    files[3] = arrived(tmp_path, day=days[3], unreadable=2)
    files += [ArrivalFile(day, None, 0, 0) for day in days[4:]]
    result = run_arrival([events(*files)])
    assert result.outcome == "failed"
    assert result.refused_load_dates() == {"shop": tuple(days[1:])}
    assert one(result, "visitor_id_present").load_dates == (days[1],)
    assert one(result, "visitor_id_present").examples[0]["null share of visitor_id"] == 0.02
    assert one(result, "behaviour_known").load_dates == (days[2],)
    assert one(result, "rows_readable").load_dates == (days[3],)
    empty = one(result, "has_rows")
    assert empty.load_dates == tuple(days[4:])
    assert empty.examples[0] == {"load_date": str(days[4]), "row_count": 0}
    assert (len(empty.examples), empty.observed) == (10, "301 of 305 load dates unexpected")
    assert any(str(days[2]) in line for line in result.summary_lines())


def test_a_row_needs_one_column_of_each_group(tmp_path: Path) -> None:
    either = [["visitor_id", "behaviour"]]
    rows = [("v", None)] * 50 + [(None, "pv")] * 49
    assert (
        run_arrival([events(arrived(tmp_path, [*rows, (None, None)]), not_null=either)]).outcome == "passed"
    )
    result = run_arrival([events(arrived(tmp_path, [*rows, *[(None, None)] * 2]), not_null=either)])
    lacking = one(result, "visitor_id_or_behaviour_present")
    assert lacking.load_dates == (DAY,)
    assert lacking.examples[0]["null share of visitor_id or behaviour"] == pytest.approx(2 / 101)


V = ("v", "pv")


@pytest.mark.parametrize(
    ("rows", "unreadable", "allowed", "refused"),
    [
        ([V], 1, 0.01, False),  # one cut line is forgiven, however small the file
        ([], 1, 0.01, True),  # but not if nothing else is left
        ([V] * 99, 2, 0.01, True),
        ([V] * 198, 2, 0.01, False),  # exactly at the limit
        ([V] * 197, 2, 0.01, True),
        ([V] * 100, 100, 0.5, False),  # the source decides the limit
        ([V] * 100, 100, 0, True),
        ([(None, "pv"), *[V] * 99], 0, 0, False),
        ([*[(None, "pv")] * 2, *[V] * 98], 0, 0, True),
        # Shares of unknown words are of the values that are present.
        ([*[("v", "?")] * 5, *[V] * 95, *[("v", None)] * 100], 0, 0, False),
        ([*[("v", "?")] * 6, *[V] * 94, *[("v", None)] * 100], 0, 0, True),
    ],
)
def test_shares_are_tolerated_up_to_their_limit(
    tmp_path: Path, rows: list[tuple[object, object]], unreadable: int, allowed: float, refused: bool
) -> None:
    table = events(arrived(tmp_path, rows, unreadable=unreadable), max_unreadable_share=allowed)
    assert (run_arrival([table]).outcome == "failed") is refused


@pytest.mark.parametrize("rows_at_once", [1, 150, 10_000])
def test_repeated_rows_are_counted_by_load_date_however_many_are_looked_at_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr("expectations.profile.BATCH_ROWS", rows_at_once)
    repeated = {DAY + timedelta(days=number): number for number in range(5)}
    files = [
        # A key that stands in both files of a day, or in other days too, and is repeated in the former only.
        arrived(
            tmp_path / half, [(f"{half} {row}", "pv") for row in range(100 - number)] + [("both", "pv")], day
        )
        for half in "ab"
        for day, number in repeated.items()
    ]
    files += [
        arrived(tmp_path / "c", [("b 0", "pv")] * number, day) for day, number in repeated.items() if number
    ]
    table = events(*files, key=["visitor_id"])
    shares = {day: measures[DUPLICATE_SHARE] for day, measures in table.measures.items()}
    # One repeated row is forgiven.
    assert shares == {
        day: (number + 1) / (2 * (101 - number) + number) if number else 0.0
        for day, number in repeated.items()
    }


def test_a_load_date_is_judged_as_a_whole_and_refused_of_its_source_only(tmp_path: Path) -> None:
    good, few = arrived(tmp_path / "good", [V] * 298), arrived(tmp_path / "few", [(None, "pv")] * 2)
    assert run_arrival([events(few, good)]).outcome == "passed"
    result = run_arrival([events(good), events(few, table="orders"), events(good, source_id="other")])
    assert result.refused_load_dates() == {"shop": (DAY,)}
    assert result.subject == "other, shop"


def test_awkward_names_and_types(tmp_path: Path) -> None:
    path = tmp_path / "it's [1] *? ü" / "load_date=2024-09-01" / 'a"b.parquet'
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        rows = connection.sql("""select 1 as "select ""x"" {y} : %z", 7 as filename from range(3)""")
        rows.write_parquet(str(path))
    table = events(
        ArrivalFile(DAY, path, 3, 0),
        not_null=[['select "x" {y} : %z'], ["filename"]],
        vocabulary={"filename": ["7"], 'select "x" {y} : %z': ["it's", "2"]},
    )
    result = run_arrival([table])
    assert [found.name for found in result.failures] == ['select "x" {y} : %z_known']


def test_files_of_one_table_may_differ_in_columns_and_types(tmp_path: Path) -> None:
    numbers = store(tmp_path / "1.parquet", [(1, 1)] * 10, "integer, bigint")
    lacking = tmp_path / "lacking.parquet"
    with duckdb.connect() as connection:
        connection.sql("select 'pv' as behaviour from range(5)").write_parquet(str(lacking))
    days = [DAY + timedelta(days=number) for number in range(3)]
    known, unknown = ArrivalFile(days[0], numbers, 10, 0), ArrivalFile(days[2], lacking, 5, 0)
    result = run_arrival([events(known, arrived(tmp_path, day=days[1]), unknown)])
    assert result.outcome == "failed"
    assert one(result, "behaviour_known").load_dates == (days[0],)
    assert one(result, "visitor_id_present").load_dates == (days[2],)


def test_what_cannot_be_read_is_an_error_and_refuses_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 and no more")
    good = events(arrived(tmp_path))
    (whole,) = good.files
    for file, changes, said in (
        (ArrivalFile(DAY, broken, 1, 0), {}, "broken.parquet"),
        (ArrivalFile(DAY, tmp_path / "none.parquet", 1, 0), {}, "none.parquet"),
        (whole, {"not_null": [["nowhere"]]}, "nowhere"),
        (replace(whole, row_count=101), {}, "holds 100 rows, the load manifest says 101"),
    ):
        result = run_arrival([events(file, table="broken", **changes), good])
        assert result.outcome == "error"
        (error,) = result.errors
        assert error.table == "shop.broken"
        assert said in str(error.error)
        assert result.refused_load_dates() == {}
        assert len(result.passes) == 4


def test_nothing_to_judge_is_never_a_pass() -> None:
    assert run_arrival([]).outcome == "error"
    with pytest.raises(ValueError, match="5 rows but no Parquet"):
        ArrivalFile(DAY, None, 5, 0)


def test_shipped_sources_declare_what_the_gate_needs() -> None:
    sources = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "/tmp"})
    files = [ArrivalFile(DAY, None, 0, 0)]
    for source in sources.values():
        for name in source.tables:
            suite = arrival_suite(arrival_table(source, name, files, {}))
            names = [rule.name for rule in suite.rules]
            assert suite.owner and names and len(names) == len(set(names))
            for rule in suite.rules:
                page, _, anchor = rule.runbook_link.partition("#")
                assert len(rule.reason.split()) > 2, (suite.table, rule.name)
                assert all((rule.build(suite.owner).meta or {"none": None}).values())
                assert anchor in anchors(PROJECT_ROOT / page), rule.runbook_link
    cdnow = arrival_table(sources["cdnow"], "purchases", files, {})
    assert cdnow.event_time == EventTime("purchased_on", "%Y%m%d")


def test_only_finite_numbers_are_numbers(tmp_path: Path) -> None:
    number = re.compile(
        r"[ \t\n\v\f\r]*[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?[ \t\n\v\f\r]*", re.IGNORECASE | re.ASCII
    )
    ones = [chr(code) for code in range(1, 128)] + ["é", "１", "\u00a0"]
    shapes = ("{}", "{}1", "{}.5", "1{}", "1{}2", "-{}1")
    words = ["nan", "-inf", "Infinity", "1e400", "12:30:00", "2024-09-01", "", "1_"]
    texts = [shape.format(one) for shape in shapes for one in ones] + words
    # Where the engine is more generous than the pattern, both tell the same of casting it without a guard.
    with duckdb.connect() as connection:
        connection.execute("create table texts as select unnest($texts) as text", {"texts": texts})
        found = connection.execute(f"select text, {_number('text', None)} from texts").fetchall()
        cast = connection.execute("select text, try_cast(text as double) from texts").fetchall()
    assert found == [(text, value if value is not None and isfinite(value) else None) for text, value in cast]
    assert {text for text in texts if number.fullmatch(text) and isfinite(float(text))} <= {
        text for text, value in found if value is not None
    }


def test_a_word_is_shown_and_what_may_be_an_id_is_not() -> None:
    shown = ["view", "gift card", "add2cart", "加购", "add_to-cart"]
    hidden = ["a1", "m1234", "13800138000", "x7f3a9", "ada@example.com", "a1b", "12.50 EUR"]
    assert [word for word in shown + hidden if WORD.fullmatch(word)] == shown
