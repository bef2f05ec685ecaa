"""Expected and missing load dates, and how far a daily feed is complete."""

from datetime import date, timedelta

from orchestration.sources.calendar import complete_through, first_expected, missing_load_dates
from orchestration.sources.source import Source


def source(**entry) -> Source:
    table = {"files": "e_{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}}
    return Source.model_validate(
        {"source_id": "shop", "feed": "daily", "currency": "CNY", "tables": {"e": table}, **entry}
    )


def days(*numbers: int) -> set[date]:
    return {date(2024, 9, number) for number in numbers}


def test_the_first_load_covers_the_first_day():
    assert first_expected(source(starts_on="2024-09-01")) == date(2024, 9, 2)
    assert first_expected(source(starts_on="2024-09-01", covers="same_day")) == date(2024, 9, 1)
    assert first_expected(source()) is None


def test_complete_up_to_the_first_gap():
    shop = source(starts_on="2024-09-01")
    assert complete_through(shop, days(2, 3, 4)) == date(2024, 9, 3)
    assert complete_through(shop, days(2, 3, 5, 6)) == date(2024, 9, 2)
    assert missing_load_dates(shop, days(2, 3, 5), date(2024, 9, 7)) == [date(2024, 9, d) for d in (4, 6, 7)]


def test_nothing_is_complete_while_the_first_load_is_missing():
    shop = source(starts_on="2024-09-01")
    assert complete_through(shop, days(3, 4)) is None
    assert complete_through(shop, days(1)) is None
    assert complete_through(shop, set()) is None


def test_without_a_start_the_first_load_is_the_start():
    assert complete_through(source(), days(5, 6, 8)) == date(2024, 9, 5)


def test_closed_days_are_no_gaps():
    # 2024-09-07 is a Saturday.
    shop = source(covers="same_day", closed={"weekdays": ["saturday"], "dates": ["2024-09-09"]})
    assert complete_through(shop, days(6, 8, 10)) == date(2024, 9, 10)
    assert complete_through(shop, days(6, 10)) == date(2024, 9, 6)


def test_a_dump_on_a_closed_day_counts():
    shop = source(covers="same_day", closed={"weekdays": ["saturday"]})
    assert complete_through(shop, days(6, 7)) == date(2024, 9, 7)


def test_a_static_source_is_complete_as_declared():
    table = {"files": "e.csv", "format": "csv", "columns": {"required": ["a"]}}
    static = source(feed="static", tables={"e": table})
    assert complete_through(static, days(2)) is None
    assert missing_load_dates(static, days(2, 9), date(2024, 9, 30)) == []
    declared = static.model_copy(update={"complete_through": date(2017, 12, 3)})
    assert complete_through(declared, days(2)) == date(2017, 12, 3)


def test_completeness_never_runs_ahead_of_the_last_load():
    shop = source(starts_on="2024-09-01")
    for last in range(2, 12):
        come = {date(2024, 9, 2) + timedelta(days=offset) for offset in range(last)}
        assert complete_through(shop, come) == max(come) - timedelta(days=1)
