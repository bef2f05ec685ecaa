"""Stock, flow and deepening, as the marts tell them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd

# One row per day and stage above rank 0: people at the end of each day from `first` to `day`.
STOCK = """
    select as_of_date, stage, stage_rank, persons
    from fct_aipl_daily
    where
        preset = $preset and brand_id = $brand
        and as_of_date between $first and $day and stage_rank > 0
    order by as_of_date, stage_rank
"""
# One row per brand and stage above rank 0: every brand on the day, or on its horizon before that.
STOCK_OF_BRANDS = """
    select
        daily.brand_id, brands.brand_name, daily.as_of_date, daily.stage, daily.stage_rank, daily.persons
    from fct_aipl_daily as daily
    inner join dim_brand as brands on daily.brand_id = brands.brand_id
    where
        daily.preset = $preset
        and daily.stage_rank > 0
        and daily.as_of_date = least(cast($day as date), brands.horizon)
    order by brands.is_unbranded, brands.brand_name, daily.brand_id, daily.stage_rank
"""
# One row per complete week or month that ends by the day, newest first.
PERIODS = """
    select period_type, period_start, period_end
    from fct_fast
    where preset = $preset and brand_id = $brand and period_end <= $day
    order by period_end desc, period_type desc
"""
# Who moved where between the ends of two days, from the mart if they bound a week or month.
FLOW_OF_PERIOD = """
    select from_stage, to_stage, movement, sum(persons)::bigint as persons
    from fct_aipl_flow
    where
        preset = $preset and brand_id = $brand
        and period_start = $first and period_end = $last
    group by period_type, from_stage, to_stage, movement
    qualify dense_rank() over (order by period_type) = 1
    order by from_stage, to_stage
"""
# The same from persons, between any two days.
FLOW_BETWEEN = """
    select from_stage, to_stage, movement, persons
    from aipl_flow_between(cast($start as date), cast($last as date))
    where preset = $preset and brand_id = $brand
    order by from_stage, to_stage
"""
_ON = "preset = $preset and brand_id = $brand and stage_rank > 0 and valid_from <= {day} and {day} < valid_to"
# One row per person whose stage at the end of the day is among `stages`: since when and until when.
PEOPLE_IN_STAGES = f"""
    select person_id, stage, valid_from as since, nullif(valid_to, date '9999-12-31') as until
    from fct_aipl_stage_history
    where {_ON.format(day="cast($day as date)")} and list_contains($stages, stage)
    order by valid_from desc, person_id
"""
# One row per person who was in one stage at the end of `start` and is in another at the end of `last`; NULL
# is no stage above rank 0.
PEOPLE_WHO_MOVED = f"""
    with starts as (
        select person_id, stage from fct_aipl_stage_history where {_ON.format(day="cast($start as date)")}
    ),

    ends as (
        select person_id, stage, valid_from, valid_to
        from fct_aipl_stage_history
        where {_ON.format(day="cast($last as date)")}
    )

    select
        person_id, starts.stage as from_stage, ends.stage as to_stage, ends.valid_from as since,
        nullif(ends.valid_to, date '9999-12-31') as until
    from starts
    full join ends using (person_id)
    where starts.stage is not distinct from $from_stage and ends.stage is not distinct from $to_stage
    order by ends.valid_from desc nulls last, person_id
"""
# One row per person who moved up in a week or month; of one channel, or of all.
PEOPLE_WHO_DEEPENED = """
    select person_id, deepened_on, channel, campaign_id
    from fct_aipl_deepened_persons
    where
        preset = $preset and brand_id = $brand and period_type = $period_type
        and period_start = $period_start and coalesce(channel = $channel, true)
    order by deepened_on desc, person_id
"""
# One row per channel and campaign, the largest channel first.
DEEPENING = """
    select channel, campaign_id, persons
    from fct_aipl_deepening
    where
        preset = $preset and brand_id = $brand
        and period_type = $period_type and period_start = $period_start
    order by sum(persons) over (partition by channel) desc, channel, persons desc, campaign_id
"""


def by_channel(deepened: pd.DataFrame) -> pd.Series[int]:
    """Of DEEPENING the people of each channel, the smallest first."""
    return deepened.groupby("channel", sort=False)["persons"].sum().sort_values()


def funnel(stock: pd.DataFrame) -> pd.DataFrame:
    """Row a stage, the lowest first: who stands there or beyond, of the `stock` of one day.

    Columns `stage`, `persons`, and as shares `of_all` and `of_previous`.
    """
    reached = stock.sort_values("stage_rank", ascending=False)["persons"].cumsum()[::-1].to_numpy()
    steps = pd.DataFrame({"stage": stock.sort_values("stage_rank")["stage"].to_numpy(), "persons": reached})
    steps["of_all"] = steps["persons"] / (reached[0] if len(steps) and reached[0] else float("nan"))
    steps["of_previous"] = steps["persons"] / steps["persons"].shift().replace(0, float("nan"))
    return steps


def flow(ask: Callable[..., pd.DataFrame], start: date, last: date) -> pd.DataFrame:
    """Who moved where from the end of `start` to the end of `last`, asked for one preset and brand.

    Columns `from_stage`, `to_stage`, `movement`, `persons`. Only days that bound no week or month are
    answered from persons, which takes longer.
    """
    built = ask(FLOW_OF_PERIOD, first=start + timedelta(days=1), last=last)
    return ask(FLOW_BETWEEN, start=start, last=last) if built.empty else built


def movements(moved: pd.DataFrame, stages: list[str]) -> pd.DataFrame:
    """A flow as an account: a row for each of `stages` (above rank 0, lowest first), then `""` for all.

    Columns `stage`, `before`, `new`, `deepened_in`, `shallowed_in`, `deepened_out`, `shallowed_out`, `lost`,
    `after`. In each row before + what came in - what went out = after; in the last one deepening and
    shallowing come in as often as they go out.
    """
    rows = []
    for stage in [*stages, ""]:
        whole = stage == ""
        came = moved if whole else moved[moved["to_stage"] == stage]
        went = moved if whole else moved[moved["from_stage"] == stage]

        def persons(part: pd.DataFrame, *kinds: str) -> int:
            return int(part.loc[part["movement"].isin(kinds), "persons"].sum())

        rows.append(
            {
                "stage": stage,
                "before": persons(went, "kept", "deepened", "shallowed", "lost"),
                "new": persons(came, "new"),
                "deepened_in": persons(came, "deepened"),
                "shallowed_in": persons(came, "shallowed"),
                "deepened_out": persons(went, "deepened"),
                "shallowed_out": persons(went, "shallowed"),
                "lost": persons(went, "lost"),
                "after": persons(came, "kept", "deepened", "shallowed", "new"),
            }
        )
    return pd.DataFrame(rows)


def is_conserved(account: pd.DataFrame) -> bool:
    """Whether every row of `movements` adds up."""
    came = account[["new", "deepened_in", "shallowed_in"]].sum(axis=1)
    went = account[["deepened_out", "shallowed_out", "lost"]].sum(axis=1)
    return bool((account["before"] + came - went == account["after"]).all())
