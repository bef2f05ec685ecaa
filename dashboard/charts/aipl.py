"""Stock, funnel, flow and deepening, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import Axis
from dashboard.charts.theme import (
    DAYS,
    HIDDEN,
    INK,
    MOVEMENTS,
    NAMES,
    NOBODY,
    bars,
    faded,
    laid_out,
    with_campaigns,
)
from dashboard.data.release import rows_of


def stock_over_time(
    stock: pd.DataFrame,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    axis: Axis,
    campaigns: pd.DataFrame,
) -> go.Figure:
    """Stacked areas, the lowest stage at the bottom, and a band for each campaign.

    `stock`: as `data.aipl.STOCK`, `campaigns`: as `data.scorecard.CAMPAIGNS`.
    """
    figure = go.Figure()
    for stage, colour in colours.items():
        own = stock[stock["stage"] == stage]
        figure.add_scatter(
            x=own["as_of_date"],
            y=own["persons"],
            name=names[stage],
            stackgroup="stock",
            # The library lets points be chosen, not areas.
            mode="lines+markers",
            line={"width": 0.8, "color": "white"},
            marker={"size": 12, "opacity": 0},
            fillcolor=colour,
            hovertemplate="%{y:,}",
        )
    with_campaigns(figure, campaigns, stock["as_of_date"])
    return laid_out(
        figure,
        340,
        hovermode="x unified",
        xaxis=DAYS | {"hoverformat": "%Y-%m-%d"},
        yaxis=axis.scale(stock.groupby("as_of_date")["persons"].sum().max()),
        legend={"traceorder": "normal"},
    )


def funnel(steps: pd.DataFrame, labels: Sequence[str], colours: Sequence[str]) -> go.Figure:
    """Persons at each stage or beyond it, told beside the bars. `steps`: as `data.aipl.funnel`."""
    figure = go.Figure(
        go.Funnel(
            y=[
                f"{label}<br>{row.persons:,} · {row.of_all:.1%}"
                for label, row in zip(labels, rows_of(steps), strict=True)
            ],
            x=steps["persons"],
            textinfo="none",
            customdata=steps[["of_previous"]],
            hovertemplate="%{y}<br>→ %{customdata[0]:.1%}<extra></extra>",
            marker={"color": list(colours)},
            connector={"fillcolor": "#EEF1F5", "line": {"width": 0}},
        )
    )
    return laid_out(
        figure,
        340,
        showlegend=False,
        funnelgap=0.3,
        xaxis={"visible": False},
        yaxis={"tickfont": {"color": INK}},
    )


def flow(
    moved: pd.DataFrame,
    names: Mapping[str, str],
    colours: Mapping[str, str],
    movement_names: Mapping[str, str],
) -> go.Figure:
    """A Sankey from the stages before to those after, the highest on top; `names` has rank 0 first.

    `moved`: as `data.aipl.flow`. A stage that nobody left or entered has no node.
    """
    ends = []
    for end in ("from_stage", "to_stage"):
        sums = moved.groupby(end)["persons"].sum()
        ends.append(sums.reindex([stage for stage in reversed(list(names)) if stage in sums]))
    before, after = ends
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            textfont={"size": 13, "color": INK, "shadow": "none"},
            node={
                "label": [
                    f"{names[stage]}  {persons:,}"
                    for sums in ends
                    for stage, persons in zip(sums.index, sums, strict=True)
                ],
                "color": [colours.get(stage, NOBODY) for sums in ends for stage in sums.index],
                "x": [0.001] * len(before) + [0.999] * len(after),
                "y": [*_middles(before), *_middles(after)],
                "pad": 18,
                "thickness": 16,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": before.index.get_indexer(pd.Index(moved["from_stage"])),
                "target": after.index.get_indexer(pd.Index(moved["to_stage"])) + len(before),
                "value": moved["persons"],
                "color": [
                    faded(MOVEMENTS[kind], 0.35 if kind == "kept" else 0.55) for kind in moved["movement"]
                ],
                "customdata": [
                    f"{movement_names[row.movement]}: {names[row.from_stage]} → {names[row.to_stage]}"
                    for row in rows_of(moved)
                ],
                "hovertemplate": "%{customdata}<br><b>%{value:,}</b><extra></extra>",
            },
        )
    )
    return laid_out(figure, 430, margin={"l": 8, "r": 8, "t": 14, "b": 14})


def _middles(sums: pd.Series[int], pad: float = 0.05) -> list[float]:
    """Middles of nodes laid below each other, as shares of the height."""
    heights = sums / (sums.sum() or 1) * (1 - pad * (len(sums) - 1))
    tops = heights.cumsum() - heights + pad * pd.RangeIndex(len(sums))
    return list((tops + heights / 2).clip(0.001, 0.999))


def channels(sums: pd.Series[int], names: Mapping[str, str]) -> go.Figure:
    """Bars a channel, the largest on top. `sums`: as `data.aipl.by_channel`."""
    labels = [
        f"{names.get(str(channel), str(channel))}<br>{persons:,} · {persons / sums.sum():.1%}"
        for channel, persons in sums.items()
    ]
    figure = bars(labels, sums, hovertemplate="%{y}<extra></extra>")
    return laid_out(figure, max(60 + 44 * len(sums), 180), xaxis=HIDDEN, yaxis=NAMES)


def history(
    stretches: pd.DataFrame,
    brands: Mapping[str, str],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    *,
    day: date,
    ahead: str,
) -> go.Figure:
    """A person's stages, a row a brand; what comes after the horizon, if nothing happens, is faded.

    `stretches`: columns `brand_id`, `stage`, `valid_from`, `valid_to`, `is_ahead`; both days known.
    """
    figure = go.Figure()
    for stage, colour in colours.items():
        for is_ahead in (False, True):
            own = stretches[(stretches["stage"] == stage) & (stretches["is_ahead"] == is_ahead)]
            if own.empty:
                continue
            days = own["valid_to"] - own["valid_from"]
            last_days = own["valid_to"] - pd.Timedelta(days=1)
            figure.add_bar(
                base=own["valid_from"],
                x=days.dt.total_seconds() * 1000,
                y=[brands.get(brand, brand) for brand in own["brand_id"]],
                orientation="h",
                name=f"{names[stage]}, {ahead}" if is_ahead else names[stage],
                legendgroup=stage,
                showlegend=not is_ahead,
                marker={
                    "color": faded(colour, 0.3) if is_ahead else colour,
                    "line": {"width": 1, "color": "white"},
                },
                customdata=own["valid_from"].dt.strftime("%Y-%m-%d – ") + last_days.dt.strftime("%Y-%m-%d"),
                hovertemplate="%{customdata}",
            )
    figure.add_vline(x=pd.Timestamp(day).timestamp() * 1000, line={"color": INK, "width": 1.5, "dash": "dot"})
    return laid_out(
        figure,
        120 + 46 * stretches["brand_id"].nunique(),
        barmode="overlay",
        xaxis=DAYS | {"type": "date"},
        yaxis=NAMES | {"autorange": "reversed"},
    )
