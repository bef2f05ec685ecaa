"""Expected and missing load dates, and how far a daily feed is complete."""

from datetime import date

import pytest

from orchestration.sources.calendar import complete_through, first_expected, missing_load_dates
from orchestration.sources.source import Source

BEGUN = {"starts_on": "2024-09-01"}
# 2024-09-07 is a Saturday.
SATURDAYS = {"covers": "same_day", "closed": {"weekdays": ["saturday"], "dates": ["2024-09-09"]}}
STATIC = {
    "feed": "static",
    "tables": {"e": {"files": "e.csv", "format": "csv", "columns": {"required": ["a"]}}},
}


def source(**entry) -> Source:
    table = {"files": "e_{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}}
    return Source.model_validate(
        {"source_id": "shop", "feed": "daily", "currency": "CNY", "tables": {"e": table}, **entry}
    )


def days(*numbers: int) -> set[date]:
    return {date(2024, 9, number) for number in numbers}


@pytest.mark.parametrize(
    ("entry", "came", "complete"),
    [
        # Up to the first gap.
        (BEGUN, [2, 3, 4], 3),
        (BEGUN, [2, 3, 5, 6], 2),
        # Nothing while the first load is missing, which without a start is the first that came.
        (BEGUN, [3, 4], None),
        (BEGUN, [1], None),
        (BEGUN, [], None),
        ({}, [5, 6, 8], 5),
        # Closed days are no gaps, and a dump on one of them counts.
        (SATURDAYS, [6, 8, 10], 10),
        (SATURDAYS, [6, 10], 6),
        (SATURDAYS, [6, 7], 7),
        # A static source is complete as declared.
        (STATIC, [2], None),
        (STATIC | {"complete_through": "2024-09-20"}, [2], 20),
    ],
)
def test_how_far_the_data_are_complete(entry: dict, came: list[int], complete: int | None):
    assert complete_through(source(**entry), days(*came)) == (complete and date(2024, 9, complete))


def test_what_is_missing_is_counted_from_the_load_of_the_first_day():
    assert first_expected(source(**BEGUN)) == date(2024, 9, 2)
    assert first_expected(source(**BEGUN, covers="same_day")) == date(2024, 9, 1)
    assert first_expected(source()) is None
    found = missing_load_dates(source(**BEGUN), days(2, 3, 5), date(2024, 9, 7))
    assert set(found) == days(4, 6, 7)
    assert missing_load_dates(source(**STATIC), days(2, 9), date(2024, 9, 30)) == []
