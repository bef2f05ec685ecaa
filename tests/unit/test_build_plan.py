"""Which runs bring in what is new."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.defs.automation.stretches import Stretch, stretches


def day(number: int) -> date:
    return date(2024, 1, number)


OLD = date(2011, 12, 9)
CHAIN = {"a": [day(1), day(5)], "b": [day(4), day(9)], "c": [day(9), day(12)], "d": [day(14)]}


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({}, []),
        ({"shop": []}, []),
        ({"west": [day(3), day(1)], "east": [day(2)]}, [Stretch(day(1), day(3), ("east", "west"))]),
        # Far days are runs of their own, oldest first.
        (
            {"shop": [day(20)], "old": [OLD]},
            [Stretch(OLD, OLD, ("old",)), Stretch(day(20), day(20), ("shop",))],
        ),
        (CHAIN, [Stretch(day(1), day(12), ("a", "b", "c")), Stretch(day(14), day(14), ("d",))]),
    ],
)
def test_sources_whose_days_overlap_share_a_run(new: dict[str, list[date]], expected: list[Stretch]) -> None:
    assert stretches(new) == expected
