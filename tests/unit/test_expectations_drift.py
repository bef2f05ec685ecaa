"""The arrival gate against the past of a table: drift is told, and so is a past that is too short."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import pytest
from unit.shop_home import ShopHome

from expectations.baseline import Drift, judge
from expectations.results import ExpectationResult, GateResult
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.receive import receive

MONDAY = date(2024, 1, 1)
HEADER = ("order_id", "paid_at", "note", "amount")
TABLES = {
    "orders": {
        "files": "orders-{load_date}.csv",
        "format": "csv",
        "columns": {"required": list(HEADER)},
        "event_time": {"column": "paid_at"},
        "key": ["order_id"],
        "amounts": {"amount": [0, 1000]},
    }
}
Row = tuple[str, ...]


def rows(day: date, count: int = 1000) -> list[Row]:
    paid = f"{day - timedelta(days=1)} 12:00:00"
    return [(f"{day}-{number}", paid, "fine", f"{10 + number % 7}.00") for number in range(count)]


def changed(load: list[Row], column: str, value: str, first: int = 1000) -> list[Row]:
    """Rows with `value` in a column of the first so many; `{}` in it is what stood there."""
    at = HEADER.index(column)
    new = [(*row[:at], value.format(row[at]), *row[at + 1 :]) for row in load[:first]]
    return new + load[first:]


class Shop(ShopHome):
    """One table with all that a table can declare, delivered week by week on Mondays."""

    tables, today = TABLES, date(2024, 12, 31)

    def deliver(self, day: date, content: Iterable[Row], header: Row = HEADER) -> None:
        self.write(f"orders-{day}.csv", "".join(",".join(row) + "\n" for row in [header, *content]))

    def night(self, *days: date) -> GateResult:
        gate = receive(self.settings, self.source, days, None, self.today).gate
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
    return Shop(tmp_path, starts_on=MONDAY)


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


def faults(day: date) -> dict[str, tuple[list[Row], str]]:
    """What is wrong with a load, and the rules that must say so."""
    good = rows(day)
    late, old = f"{day + timedelta(days=2)} 00:00:00", f"{day - timedelta(days=3)} 23:59:59"
    swapped = [(order, paid, amount, note) for order, paid, note, amount in good]
    tenth = [(*rest, f"{float(amount) / 10}") for *rest, amount in good]
    latin = "已付款".encode().decode("latin-1")
    return {
        "a tenth less one": (good[:99], "volume_not_collapsed volume_as_usual"),
        "less than half": (good[:480], "volume_as_usual"),
        "twice and more": (rows(day, 2100), "volume_as_usual"),
        "a column gone empty": (changed(good, "note", ""), "columns_filled_as_usual"),
        "two columns changed places": (swapped, "columns_of_usual_kind amount_is_a_number"),
        "amounts of a tenth": (tenth, "amounts_as_usual"),
        "negative amounts": (
            changed(good, "amount", "-{}"),
            "amount_possible amount_plausible amounts_as_usual",
        ),
        "some absurd amounts": (changed(good, "amount", "1000.01", 21), "amount_plausible"),
        "rows repeated": (good[:700] + good[:300], "rows_distinct duplicates_as_usual"),
        "some rows of the future": (changed(good, "paid_at", late, 21), "paid_at_rarely_in_future"),
        "all rows of the future": (
            changed(good, "paid_at", late),
            "paid_at_not_in_future paid_at_rarely_in_future",
        ),
        "nothing new": (changed(good, "paid_at", old), "paid_at_fresh"),
        "read as latin-1": (changed(good, "note", latin), "text_readable text_undamaged"),
        "two replacement characters": (changed(good, "note", "caf\ufffd", 2), "text_undamaged"),
    }


@pytest.mark.parametrize("fault", list(faults(MONDAY)))
def test_each_fault_is_told_by_the_rules_for_it(shop: Shop, fault: str) -> None:
    day = shop.weeks(4)
    content, expected = faults(day)[fault]
    shop.deliver(day, content)
    gate = shop.night(day)
    found = unmet(gate)
    assert set(found) == set(expected.split()), gate.summary_lines()
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
    shop.declare(starts_on=MONDAY, unusual_dates=[day])
    assert unmet(shop.night(day)) == {}
    assert shop.remembered()[day]["row_count"] == 12, "a new delivery replaces what was measured"
    after = [day + timedelta(weeks=week) for week in range(1, 5)]
    for later in after:
        shop.deliver(later, rows(later, 10))
    assert shop.night(after[0]).refused_load_dates() == {"shop": (after[0],)}


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
