"""Days that are far from their usual figures, by the rule of the mart `abnormal_products`."""

from __future__ import annotations

import pandas as pd

# Weeks before a day whose same weekday is compared, and how many of them have to be known.
WEEKS, FEWEST_WEEKS = 8, 4
# Further than so many median absolute deviations, each at least a tenth of the median.
FAR, FLOOR = 3, 0.1
# The least median at which a change says something; that of money is that of what was sold.
LEAST = {"units": 20, "visitors": 20, "buyers": 5}
SOLD = ("units", "buyers")
# Days before the first judged one that are needed.
BEFORE = pd.Timedelta(days=7 * WEEKS)


def judged(days: pd.DataFrame, first: pd.Timestamp) -> pd.DataFrame:
    """The days from `first` on, with what is usual and which of them are not.

    `days`: columns `day`, `paid_amount`, `units`, `visitors`, `buyers`. Adds for each of these
    measures `usual_<measure>`, the median of the same weekday in the eight weeks before, and
    `unusual_<measure>`: `fall` or `rise`, else NULL.
    """
    known = days.set_index("day")
    # A day in the data without a figure is unknown; a day before the data is no base at all.
    seen = _same_weekday(pd.Series(1.0, known.index)).count(axis=1)
    usual, verdicts = {}, {}
    for measure in (*LEAST, "paid_amount"):
        values = known[measure].astype(float)
        same = _same_weekday(values)
        is_known = same.count(axis=1).eq(seen) & seen.ge(FEWEST_WEEKS)
        median = same.median(axis=1).where(is_known).reindex(known.index)
        spread = same.sub(same.median(axis=1), axis=0).abs().median(axis=1).reindex(known.index)
        scale = pd.concat([spread, FLOOR * median], axis=1).max(axis=1)
        away = values - median
        usual[measure] = median
        verdicts[measure] = pd.Series(None, known.index, dtype=object)
        verdicts[measure][away > FAR * scale] = "rise"
        verdicts[measure][away < -FAR * scale] = "fall"
    enough = {measure: usual[measure].ge(least) for measure, least in LEAST.items()}
    enough["paid_amount"] = enough[SOLD[0]] | enough[SOLD[1]]
    told = known.assign(
        **{f"usual_{measure}": median.where(enough[measure]) for measure, median in usual.items()},
        **{f"unusual_{measure}": found.where(enough[measure], None) for measure, found in verdicts.items()},
    )
    return told[told.index >= first].reset_index()


def _same_weekday(values: pd.Series[float]) -> pd.DataFrame:
    """A column for each of the weeks before, of values by day."""
    return pd.DataFrame({week: values.shift(7 * week, freq="D") for week in range(1, WEEKS + 1)})
