"""Stock, flow and deepening, as the marts tell them."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pandas as pd

from dashboard.data.release import ask

MOVEMENTS = ("new", "deepened", "kept", "shallowed", "lost")


def stock(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, first: date, last: date
) -> pd.DataFrame:
    """Row a day and stage above rank 0: `as_of_date`, `stage`, `stage_rank`, `persons`, at the day's end."""
    return ask(
        connection,
        """
        select as_of_date, stage, stage_rank, persons
        from fct_aipl_daily
        where
            preset = $preset and brand_id = $brand
            and as_of_date between $first and $last and stage_rank > 0
        order by as_of_date, stage_rank
        """,
        preset=preset,
        brand=brand,
        first=first,
        last=last,
    )


def stock_of_brands(connection: duckdb.DuckDBPyConnection, preset: str, day: date) -> pd.DataFrame:
    """Row a brand and stage above rank 0: the stock of every brand, each on `day` or its horizon before that.

    Columns `brand_id`, `brand_name`, `as_of_date`, `stage`, `stage_rank`, `persons`.
    """
    return ask(
        connection,
        """
        select
            daily.brand_id, brands.brand_name, daily.as_of_date, daily.stage, daily.stage_rank, daily.persons
        from fct_aipl_daily as daily
        inner join dim_brand as brands on daily.brand_id = brands.brand_id
        where
            daily.preset = $preset
            and daily.stage_rank > 0
            and daily.as_of_date = least(cast($day as date), brands.horizon)
        order by brands.is_unbranded, brands.brand_name, daily.brand_id, daily.stage_rank
        """,
        preset=preset,
        day=day,
    )


def funnel(stock: pd.DataFrame) -> pd.DataFrame:
    """Row a stage, the lowest first: who stands there or beyond, of the `stock` of one day.

    Columns `stage`, `persons`, and as shares `of_all` and `of_previous`.
    """
    reached = stock.sort_values("stage_rank", ascending=False)["persons"].cumsum()[::-1].to_numpy()
    steps = pd.DataFrame({"stage": stock.sort_values("stage_rank")["stage"].to_numpy(), "persons": reached})
    steps["of_all"] = steps["persons"] / (reached[0] if len(steps) and reached[0] else float("nan"))
    steps["of_previous"] = steps["persons"] / steps["persons"].shift().replace(0, float("nan"))
    return steps


def periods(connection: duckdb.DuckDBPyConnection, preset: str, brand: str, last: date) -> pd.DataFrame:
    """Row a complete week or month that ends by `last`, newest first.

    Columns `period_type`, `period_start`, `period_end`.
    """
    return ask(
        connection,
        """
        select period_type, period_start, period_end
        from fct_fast
        where preset = $preset and brand_id = $brand and period_end <= $last
        order by period_end desc, period_type desc
        """,
        preset=preset,
        brand=brand,
        last=last,
    )


def flow(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, start: date, end: date
) -> pd.DataFrame:
    """Who moved where from the end of `start` to the end of `end`.

    Columns `from_stage`, `to_stage`, `movement`, `persons`. A week or month of `fct_aipl_flow` is read there;
    only other pairs of days look at persons, by the macro of the release.
    """
    built = ask(
        connection,
        """
        select from_stage, to_stage, movement, sum(persons)::bigint as persons
        from fct_aipl_flow
        where
            preset = $preset and brand_id = $brand
            and period_start = $first and period_end = $last
        group by period_type, from_stage, to_stage, movement
        qualify dense_rank() over (order by period_type) = 1
        order by from_stage, to_stage
        """,
        preset=preset,
        brand=brand,
        first=start + timedelta(days=1),
        last=end,
    )
    if not built.empty:
        return built
    return ask(
        connection,
        """
        select from_stage, to_stage, movement, persons
        from aipl_flow_between(cast($start as date), cast($end as date))
        where preset = $preset and brand_id = $brand
        order by from_stage, to_stage
        """,
        preset=preset,
        brand=brand,
        start=start,
        end=end,
    )


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


def deepening(
    connection: duckdb.DuckDBPyConnection, preset: str, brand: str, period_type: str, period_start: date
) -> pd.DataFrame:
    """Row a channel and campaign: `channel`, `campaign_id`, `persons`; the largest channel first."""
    return ask(
        connection,
        """
        select channel, campaign_id, persons
        from fct_aipl_deepening
        where
            preset = $preset and brand_id = $brand
            and period_type = $period_type and period_start = $period_start
        order by sum(persons) over (partition by channel) desc, channel, persons desc, campaign_id
        """,
        preset=preset,
        brand=brand,
        period_type=period_type,
        period_start=period_start,
    )
