"""Drift of a mart from its own past, on the last complete day of each brand; and days that are missing.

Older days were judged when they were the last. A brand with too short a past is not judged, and that is told.
"""

from __future__ import annotations

from dataclasses import replace

from expectations.baseline import MAX_WEEKS, MIN_WEEKS, SPREAD_OF_MAD, SPREADS
from expectations.suites.rule import Rule, no_rows

MIN_PERSONS = 100
MIN_CHANGE = {1: 0.25, 7: 0.5}
PAST_DAYS = 7 * MAX_WEEKS
MIN_PAST_DAYS = 7 * MIN_WEEKS
WATCHED_DAYS = 7


def _changes(lag: int) -> str:
    """Per preset, brand and stage: growth of the stock up to its last day, and that of the days before it."""
    return f"""
    with stock as (
        select preset, brand_id, stage, as_of_date, persons,
            max(as_of_date) over (partition by preset, brand_id) as last_day
        from {{batch}}
        where stage_rank > 0
    ),
    growths as (
        select now.*, earlier.persons as persons_before,
            now.persons / nullif(earlier.persons, 0) - 1 as growth
        from stock as now
        inner join stock as earlier
            on now.preset = earlier.preset and now.brand_id = earlier.brand_id and now.stage = earlier.stage
            and now.as_of_date = earlier.as_of_date + {lag}
        where now.as_of_date >= now.last_day - {PAST_DAYS}
    ),
    usual as (
        select preset, brand_id, stage, count(growth) as past_days, median(growth) as usual_growth,
            {SPREADS * SPREAD_OF_MAD} * mad(growth) as spread
        from growths
        where as_of_date < last_day and persons_before >= {MIN_PERSONS}
        group by preset, brand_id, stage
    ),
    last_days as (select * from growths where as_of_date = last_day and persons_before >= {MIN_PERSONS})
    """


def as_usual(lag: int, name: str, reason: str) -> Rule:
    """The stock of a stage changed within `lag` days about as it does otherwise."""
    judged = f"""{_changes(lag)}
    select preset, brand_id, stage, as_of_date, persons_before, persons, round(growth, 3) as growth,
        round(usual_growth, 3) as usual_growth,
        round(greatest(spread, {MIN_CHANGE[lag]}), 3) as tolerated_difference
    from last_days
    inner join usual using (preset, brand_id, stage)
    where past_days >= {MIN_PAST_DAYS} and abs(growth - usual_growth) > greatest(spread, {MIN_CHANGE[lag]})
    order by all
    """
    not_judged = f"""{_changes(lag)}
    select brand_id, min(coalesce(past_days, 0)) as found, {MIN_PAST_DAYS} as needed
    from last_days
    left join usual using (preset, brand_id, stage)
    where coalesce(past_days, 0) < {MIN_PAST_DAYS}
    group by brand_id
    order by brand_id
    """
    rule = no_rows(name, reason, judged, "warning", column="persons", runbook="drift")
    return replace(rule, lacking=not_judged)


_WEEKS_BEFORE = ", ".join(f"watched.day - {7 * week}" for week in range(1, MIN_WEEKS + 1))
_DAYS = f"""
    with found as (select distinct brand_id, touch_date from {{batch}}),
    watched as (
        select
            brand_id,
            cast(
                unnest(generate_series(horizon - {WATCHED_DAYS - 1}, horizon, interval 1 day)) as date
            ) as day
        from marts.dim_brand
        where horizon <= current_date + 1
    ),
    weeks as (
        select watched.brand_id, watched.day, count(found.touch_date) as weeks
        from watched
        left join found
            on watched.brand_id = found.brand_id
            and found.touch_date in ({_WEEKS_BEFORE})
        group by watched.brand_id, watched.day
    )
"""


def days_complete() -> Rule:
    """A brand with touches on a weekday in each of the last weeks has some on that weekday now."""
    judged = f"""{_DAYS}
    select weeks.brand_id, weeks.day as touch_date, 0 as touches
    from weeks
    left join found on weeks.brand_id = found.brand_id and weeks.day = found.touch_date
    where weeks.weeks = {MIN_WEEKS} and found.touch_date is null
    order by all
    """
    not_judged = f"""{_DAYS}
    select brand_id, max(weeks) as found, {MIN_WEEKS} as needed
    from weeks
    where brand_id in (select brand_id from found)
    group by brand_id
    having max(weeks) < {MIN_WEEKS}
    order by brand_id
    """
    rule = no_rows(
        "no_day_without_touches",
        f"a brand with touches on a weekday in {MIN_WEEKS} weeks running has some on it in the last week",
        judged,
        "warning",
        column="touch_date",
        runbook="drift",
    )
    return replace(rule, lacking=not_judged)
