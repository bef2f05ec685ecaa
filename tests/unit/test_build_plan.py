"""Which runs bring in what is new."""

from __future__ import annotations

from datetime import date

from orchestration.defs.automation.stretches import Stretch, stretches


def day(number: int) -> date:
    return date(2024, 1, number)


def test_nothing_new_is_no_run() -> None:
    assert stretches({}) == []
    assert stretches({"shop": []}) == []


def test_sources_of_the_same_days_share_a_run() -> None:
    new = {"west": [day(3), day(1)], "east": [day(2)]}
    assert stretches(new) == [Stretch(day(1), day(3), ("east", "west"))]


def test_far_days_are_runs_of_their_own_oldest_first() -> None:
    new = {"shop": [day(20)], "old": [date(2011, 12, 9)]}
    assert stretches(new) == [
        Stretch(date(2011, 12, 9), date(2011, 12, 9), ("old",)),
        Stretch(day(20), day(20), ("shop",)),
    ]


def test_overlaps_are_joined_whatever_their_chain() -> None:
    new = {"a": [day(1), day(5)], "b": [day(4), day(9)], "c": [day(9), day(12)], "d": [day(14)]}
    assert stretches(new) == [Stretch(day(1), day(12), ("a", "b", "c")), Stretch(day(14), day(14), ("d",))]
