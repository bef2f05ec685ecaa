"""Stock, funnel, flow and deepening, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import ACCENT, INK, MOVEMENTS, NOBODY, faded, laid_out
from dashboard.data.rows import rows_of


def stock_over_time(stock: pd.DataFrame, names: Mapping[str, str], colours: Mapping[str, str]) -> go.Figure:
    """Stacked areas, the lowest stage at the bottom. `stock`: as `data.aipl.stock`."""
    figure = go.Figure()
    for stage, colour in colours.items():
        own = stock[stock["stage"] == stage]
        figure.add_scatter(
            x=own["as_of_date"],
            y=own["persons"],
            name=names[stage],
            stackgroup="stock",
            mode="lines",
            line={"width": 0.8, "color": "white"},
            fillcolor=colour,
            hovertemplate="%{y:,}",
        )
    return laid_out(
        figure,
        340,
        hovermode="x unified",
        xaxis={"hoverformat": "%Y-%m-%d", "tickformat": "%m-%d\n%Y"},
        yaxis={"tickformat": ",", "rangemode": "tozero"},
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
    return laid_out(figure, 340, showlegend=False, funnelgap=0.3, yaxis={"tickfont": {"color": INK}})


def flow(
    moved: pd.DataFrame,
    order: Sequence[str],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    movement_names: Mapping[str, str],
) -> go.Figure:
    """A Sankey from the stages before to those after, the highest on top; `order` has rank 0 first.

    `moved`: as `data.aipl.flow`. A stage that nobody left or entered has no node.
    """
    top_down = list(reversed(order))
    before = [stage for stage in top_down if stage in set(moved["from_stage"])]
    after = [stage for stage in top_down if stage in set(moved["to_stage"])]
    left = {stage: number for number, stage in enumerate(before)}
    right = {stage: len(before) + number for number, stage in enumerate(after)}
    sums_before = [float(moved.loc[moved["from_stage"] == stage, "persons"].sum()) for stage in before]
    sums_after = [float(moved.loc[moved["to_stage"] == stage, "persons"].sum()) for stage in after]
    stages = [*before, *after]
    sums = [*sums_before, *sums_after]
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            textfont={"size": 13, "color": INK, "shadow": "none"},
            node={
                "label": [
                    f"{names[stage]}  {persons:,.0f}" for stage, persons in zip(stages, sums, strict=True)
                ],
                "color": [colours.get(stage, NOBODY) for stage in stages],
                "x": [0.001] * len(before) + [0.999] * len(after),
                "y": [*_middles(sums_before), *_middles(sums_after)],
                "pad": 18,
                "thickness": 16,
                "line": {"width": 0},
                "hovertemplate": "%{label}<extra></extra>",
            },
            link={
                "source": [left[stage] for stage in moved["from_stage"]],
                "target": [right[stage] for stage in moved["to_stage"]],
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


def _middles(sums: Sequence[float], pad: float = 0.05) -> list[float]:
    """Middles of nodes laid below each other, as shares of the height."""
    room = 1 - pad * max(len(sums) - 1, 0)
    whole = sum(sums) or 1.0
    middles, top = [], 0.0
    for part in sums:
        height = part / whole * room
        middles.append(min(max(top + height / 2, 0.001), 0.999))
        top += height + pad
    return middles


def channels(deepened: pd.DataFrame, names: Mapping[str, str]) -> go.Figure:
    """Bars a channel, the largest on top. `deepened`: columns `channel`, `persons`."""
    sums = deepened.groupby("channel", sort=False)["persons"].sum().sort_values()
    whole = int(sums.sum()) or 1
    figure = go.Figure(
        go.Bar(
            x=sums.values,
            y=[
                f"{names.get(str(channel), str(channel))}<br>{persons:,} · {persons / whole:.1%}"
                for channel, persons in sums.items()
            ],
            orientation="h",
            marker={"color": ACCENT},
            hovertemplate="%{y}<extra></extra>",
        )
    )
    return laid_out(
        figure,
        max(60 + 44 * len(sums), 180),
        xaxis={"visible": False, "rangemode": "tozero"},
        yaxis={"showgrid": False, "tickfont": {"color": INK}},
    )


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
            days = (own["valid_to"] - own["valid_from"]).dt.days
            figure.add_bar(
                base=own["valid_from"],
                x=days * 86_400_000,
                y=[brands.get(brand, brand) for brand in own["brand_id"]],
                orientation="h",
                name=f"{names[stage]}, {ahead}" if is_ahead else names[stage],
                legendgroup=stage,
                showlegend=not is_ahead,
                marker={
                    "color": faded(colour, 0.3) if is_ahead else colour,
                    "line": {"width": 1, "color": "white"},
                },
                customdata=[
                    (f"{row.valid_from:%Y-%m-%d}", f"{row.last_day:%Y-%m-%d}")
                    for row in rows_of(own.assign(last_day=own["valid_to"] - pd.Timedelta(days=1)))
                ],
                hovertemplate="%{customdata[0]} – %{customdata[1]}",
            )
    figure.add_vline(x=pd.Timestamp(day).timestamp() * 1000, line={"color": INK, "width": 1.5, "dash": "dot"})
    return laid_out(
        figure,
        120 + 46 * stretches["brand_id"].nunique(),
        barmode="overlay",
        xaxis={"type": "date", "tickformat": "%m-%d\n%Y"},
        yaxis={"showgrid": False, "tickfont": {"color": INK}, "autorange": "reversed"},
    )
