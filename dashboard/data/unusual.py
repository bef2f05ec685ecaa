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
JUDGED = (*LEAST, "paid_amount")
# Days before the first judged one that are needed.
BEFORE = pd.Timedelta(days=7 * WEEKS)


def judged(days: pd.DataFrame, first: pd.Timestamp) -> pd.DataFrame:
    """The days from `first` on, with what is usual and which of them are not.

    `days`: columns `day`, `paid_amount`, `units`, `visitors`, `buyers`. Adds for each of these
    measures `usual_<measure>`, the median of the same weekday in the eight weeks before, and
    `unusual_<measure>`: `fall` or `rise`, else NULL.
    """
    known = days.set_index("day")
    values = known[[*JUDGED]].astype(float)
    before = pd.concat([values.shift(7 * week, freq="D") for week in range(1, WEEKS + 1)])
    same_day = before.groupby(level=0)
    # A day in the data without a figure is unknown; a day before the data is no base at all.
    seen = same_day.size()
    is_known = same_day.count().eq(seen, axis=0).mul(seen.ge(FEWEST_WEEKS), axis=0)
    usual = same_day.median().where(is_known)
    spread = (before - usual.reindex(before.index)).abs().groupby(level=0).median()
    usual, spread = usual.reindex(values.index), spread.reindex(values.index)
    enough = usual.ge(pd.Series(LEAST))
    enough["paid_amount"] = enough[list(SOLD)].any(axis=1)
    away, limit = values - usual, FAR * spread.clip(lower=FLOOR * usual)
    verdict = pd.DataFrame(None, values.index, values.columns, dtype=object)
    verdict = verdict.mask(away > limit, "rise").mask(away < -limit, "fall").where(enough, None)
    told = known.join([usual.where(enough).add_prefix("usual_"), verdict.add_prefix("unusual_")])
    return told[told.index >= first].reset_index()
