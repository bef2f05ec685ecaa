"""The arrival gate against the past of a table: drift is told, and so is a past that is too short."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import pytest

from expectations.baseline import Drift, judge
from expectations.results import ExpectationResult, GateResult
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.receive import receive
from orchestration.core.settings import Settings
from orchestration.sources.source import Source

MONDAY = date(2024, 1, 1)
TODAY = date(2024, 12, 31)
HEADER = ("order_id", "paid_at", "note", "amount")


def row(day: date, number: int) -> tuple[str, ...]:
    return (f"{day}-{number}", f"{day - timedelta(days=1)} 12:00:00", "fine", f"{10 + number % 7}.00")


def rows(day: date, count: int = 1000) -> list[tuple[str, ...]]:
    return [row(day, number) for number in range(count)]


class Shop:
    """One table with all that a table can declare, delivered week by week on Mondays."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home / "home", home / "sources.yml")
        self.dumps = home / "dumps"
        self.dumps.mkdir()

    def source(self, **changes: object) -> Source:
        table = {
            "files": "orders-{load_date}.csv",
            "format": "csv",
            "columns": {"required": list(HEADER)},
            "event_time": {"column": "paid_at"},
            "key": ["order_id"],
            "amounts": {"amount": [0, 1000]},
        }
        entry = {"source_id": "shop", "feed": "daily", "currency": "CNY", "dumps": str(self.dumps)}
        return Source.model_validate(
            {**entry, "starts_on": "2024-01-01", "tables": {"orders": table}, **changes}
        )

    def deliver(
        self, day: date, content: Iterable[tuple[str, ...]], header: tuple[str, ...] = HEADER
    ) -> None:
        with (self.dumps / f"orders-{day}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header, *content])

    def night(self, *days: date, **changes: object) -> GateResult:
        gate = receive(self.settings, self.source(**changes), days, None, TODAY).gate
        assert gate is not None
        return gate

    def weeks(self, count: int) -> date:
        """Deliver so many good Mondays, and return the one after them."""
        days = [MONDAY + timedelta(weeks=week) for week in range(count)]
        for day in days:
            self.deliver(day, rows(day))
        assert self.night(*days).refused_load_dates() == {}
        return MONDAY + timedelta(weeks=count)

    def remembered(self) -> dict[date, dict[str, float | None]]:
        with LoadManifest(self.settings.manifest) as manifest:
            return manifest.measures("shop", "orders")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def unmet(gate: GateResult) -> dict[str, ExpectationResult]:
    assert not gate.errors, gate.summary_lines()
    return {result.name: result for result in gate.results if result.status == "failed"}


def test_a_usual_load_is_quiet_and_judged(shop: Shop) -> None:
    """Good foreign text in it is not damaged."""
    day = shop.weeks(5)
    words = ["已付款", "Großhändler", "ação", "Àãçõ Ãnima", "“quoted” — €5", "naïve", "Übergröße ¼", "😀"]
    shop.deliver(day, [(a, b, words[n % 8], d) for n, (a, b, _, d) in enumerate(rows(day, 1100))])
    gate = shop.night(day)
    assert (unmet(gate), gate.without_baseline) == ({}, ())


def faults(day: date) -> dict[str, tuple[list[tuple[str, ...]], set[str]]]:
    """What is wrong with a load, and the rules that must say so."""
    good = rows(day)
    late = f"{day + timedelta(days=2)} 00:00:00"
    old = f"{day - timedelta(days=3)} 23:59:59"
    return {
        "a tenth less one": (good[:99], {"volume_not_collapsed", "volume_as_usual"}),
        "less than half": (good[:480], {"volume_as_usual"}),
        "twice and more": (rows(day, 2100), {"volume_as_usual"}),
        "a column gone empty": ([(a, b, "", d) for a, b, _, d in good], {"columns_filled_as_usual"}),
        "two columns changed places": (
            [(a, b, d, c) for a, b, c, d in good],
            {"columns_of_usual_kind", "amount_is_a_number"},
        ),
        "amounts of a tenth": ([(a, b, c, f"{float(d) / 10}") for a, b, c, d in good], {"amounts_as_usual"}),
        "negative amounts": (
            [(a, b, c, f"-{d}") for a, b, c, d in good],
            {"amount_possible", "amount_plausible", "amounts_as_usual"},
        ),
        "some absurd amounts": (
            [(a, b, c, "1000.01") for a, b, c, _ in good[:21]] + good[21:],
            {"amount_plausible"},
        ),
        "rows repeated": (good[:700] + good[:300], {"rows_distinct", "duplicates_as_usual"}),
        "some rows of the future": (
            [(a, late, c, d) for a, _, c, d in good[:21]] + good[21:],
            {"paid_at_rarely_in_future"},
        ),
        "all rows of the future": (
            [(a, late, c, d) for a, _, c, d in good],
            {"paid_at_not_in_future", "paid_at_rarely_in_future"},
        ),
        "nothing new": ([(a, old, c, d) for a, _, c, d in good], {"paid_at_fresh"}),
        "read as latin-1": (
            [(a, b, "已付款".encode().decode("latin-1"), d) for a, b, _, d in good],
            {"text_readable", "text_undamaged"},
        ),
        "two replacement characters": (
            [(a, b, "caf\ufffd", d) for a, b, _, d in good[:2]] + good[2:],
            {"text_undamaged"},
        ),
    }


@pytest.mark.parametrize("fault", list(faults(MONDAY)))
def test_each_fault_is_told_by_the_rules_for_it(shop: Shop, fault: str) -> None:
    day = shop.weeks(4)
    content, expected = faults(day)[fault]
    shop.deliver(day, content)
    gate = shop.night(day)
    found = unmet(gate)
    assert set(found) == expected, gate.summary_lines()
    assert all(result.load_dates == (day,) for result in found.values())
    is_refused = any(result.severity == "critical" for result in found.values())
    assert (gate.refused_load_dates() == {"shop": (day,)}) == is_refused
    assert (day in shop.remembered()) != is_refused


def test_an_undeclared_column_that_came_is_told(shop: Shop) -> None:
    day = shop.weeks(4)
    shop.deliver(day, [(*one, "x") for one in rows(day)], (*HEADER, "surprise"))
    assert set(unmet(shop.night(day))) == {"as_many_columns_as_usual"}


@pytest.mark.parametrize(("weeks", "later", "found"), [(3, 0, 3), (8, 1, 0)])
def test_with_less_than_four_such_weekdays_nothing_is_judged_and_that_is_told(
    shop: Shop, weeks: int, later: int, found: int
) -> None:
    day = shop.weeks(weeks) + timedelta(days=later)
    shop.deliver(day, rows(day, 10))
    gate = shop.night(day)
    assert unmet(gate) == {}
    (volume,) = [result for result in gate.results if result.name == "volume_not_collapsed"]
    assert volume.not_judged == volume.observed == f"no baseline yet: {found} of 4 weeks before {day}"
    assert any("not enough history" in line for line in gate.summary_lines())


def test_loads_of_one_night_are_each_others_past(shop: Shop) -> None:
    days = [MONDAY + timedelta(weeks=week) for week in range(6)]
    for day in days:
        shop.deliver(day, rows(day, 50 if day == days[5] else 1000))
    assert shop.night(*days).refused_load_dates() == {"shop": (days[5],)}


def test_an_unusual_date_lets_a_refused_load_in_and_is_no_measure_of_others(shop: Shop) -> None:
    day = shop.weeks(4)
    shop.deliver(day, rows(day, 10))
    assert shop.night(day).refused_load_dates() == {"shop": (day,)}
    shop.deliver(day, rows(day, 12))
    assert unmet(shop.night(day, unusual_dates=[day])) == {}
    assert shop.remembered()[day]["row_count"] == 12, "a new delivery replaces what was measured"
    after = [day + timedelta(weeks=week) for week in range(1, 5)]
    for later in after:
        shop.deliver(later, rows(later, 10))
    gate = shop.night(*after[:1], unusual_dates=[day])
    assert gate.refused_load_dates() == {"shop": (after[0],)}


def test_the_usual_is_the_median_and_one_bad_week_does_not_move_it() -> None:
    counts = [100, 104, 98, 5000, 101, 99, 103, 97]
    history = {MONDAY - timedelta(weeks=n): {"row_count": float(c)} for n, c in enumerate(counts, 1)}
    judged = judge(Drift("row_count", relative=0.5), history, MONDAY, {"row_count": 149.0})
    assert judged.usual == median(counts) == 100.5
    assert judged.deviation is not None
    assert judged.deviation < 1
    assert judge(Drift("row_count", relative=0.5), history, MONDAY, {"row_count": 152.0}).deviation > 1
    older = {day - timedelta(weeks=8): measures for day, measures in history.items()}
    assert judge(Drift("row_count"), older, MONDAY, {"row_count": 1.0}).lacks_baseline

    drift = Drift("row_count", noise="count", relative=0.5)
    few = {day: {"row_count": 4.0} for day in history}
    assert judge(drift, few, MONDAY, {"row_count": 13.0}).deviation < 1, "chance is tolerated in small counts"
    assert judge(drift, few, MONDAY, {"row_count": 15.0}).deviation > 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"event_time": {"column": "when"}}, "event_time names columns that `columns` does not: when"),
        ({"event_time": {"column": "a", "format": "isoo"}}, "write iso, unix_seconds, or such as %Y%m%d"),
        ({"key": ["id"]}, "key names columns that `columns` does not: id"),
        ({"amounts": {"b": [0, 1]}}, "amounts names columns that `columns` does not: b"),
        ({"amounts": {"a": [5, 1]}}, r"amounts of a: the least \(5\) is not below the most \(1\)"),
    ],
)
def test_a_wrong_declaration_is_told(changes: dict[str, object], said: str) -> None:
    table = {"files": "{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}, **changes}
    entry = {"source_id": "shop", "feed": "daily", "currency": "CNY", "starts_on": "2024-01-01"}
    with pytest.raises(ValueError, match=said):
        Source.model_validate({**entry, "tables": {"orders": table}})


def test_what_the_gate_asks_is_no_other_reading_of_the_dump(shop: Shop) -> None:
    source = shop.source()
    table = source.tables["orders"]
    bare = table.model_copy(update={"event_time": None, "key": [], "amounts": {}})
    assert table.version("orders", "0" * 64) == bare.version("orders", "0" * 64)
    other = source.model_copy(update={"tables": {"orders": bare}})
    assert other.gate_contract != source.gate_contract
