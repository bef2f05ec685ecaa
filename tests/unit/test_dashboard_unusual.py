"""Unusual days are found by the rule of unusual products: held against the brute force of that mart."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle.scorecard_views import abnormal

from dashboard.data.unusual import BEFORE, judged

FIRST = date(2024, 1, 1)
MEASURES = ("paid_amount", "units", "visitors", "buyers")
figures = st.one_of(st.none(), st.integers(0, 60), st.just(1000))


@settings(max_examples=40)
@given(st.lists(st.tuples(*[figures] * 4), min_size=30, max_size=100), st.integers(0, 70))
def test_a_day_is_unusual_as_a_product_would_be(told: list[tuple[int | None, ...]], skipped: int) -> None:
    days = [FIRST + timedelta(days=number) for number in range(len(told))]
    rows = [
        {"period_type": "day", "member": "x", "period_start": day, **dict(zip(MEASURES, row, strict=True))}
        for day, row in zip(days, told, strict=True)
    ]
    expected = {
        (start, measure): (middle, None if verdict == "usual" else verdict)
        for start, _, measure, _, middle, _, _, verdict in abnormal(
            "day", {day: day for day in days}, rows, {}
        )
        if measure in MEASURES
    }

    frame = pd.DataFrame(rows).assign(day=pd.to_datetime(days))
    first = pd.Timestamp(FIRST) + pd.Timedelta(days=skipped)
    found = judged(frame, first)

    assert list(found["day"].dt.date) == [day for day in days if day >= first.date()]
    for row in found.to_dict("records"):
        for measure in MEASURES:
            known = expected.get((row["day"].date(), measure))
            usual, verdict = row[f"usual_{measure}"], row[f"unusual_{measure}"]
            verdict = verdict if isinstance(verdict, str) else None
            if known is None or pd.isna(row[measure]):
                assert verdict is None
            else:
                assert (usual, verdict) == known, (row["day"], measure)
    assert pd.Timedelta(days=56) == BEFORE
