"""Figures of the scorecard, drawn: by day, by member, and a change in its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import Axis
from dashboard.charts.theme import (
    ACCENT,
    DAYS,
    INK,
    LESS,
    MORE,
    MUTED,
    NAMES,
    NOBODY,
    SECOND,
    TWO_LINES,
    laid_out,
    shortened,
    with_campaigns,
)


def by_day(
    now: pd.DataFrame,
    before: pd.DataFrame,
    measure: str,
    axis: Axis,
    names: tuple[str, str],
    *,
    campaigns: pd.DataFrame,
    unusual: str,
    campaign: str,
) -> go.Figure:
    """A line of the period's days, a dotted one of the base's day by day, and a band for each campaign.

    Rings, called `unusual`, are around unusual days; they say what is usual. A mark called `campaign` at the
    foot of a band carries the id of its period.

    `now`, `before`: as `data.scorecard.figures_by_day`, `now` with the columns of `data.unusual.judged`;
    `campaigns`: as `data.scorecard.CAMPAIGNS`.
    """
    figure = go.Figure()
    if not before.empty and not now.empty:
        moved = before["day"] + (now["day"].iloc[0] - before["day"].iloc[0])
        figure.add_scatter(
            x=moved,
            y=before[measure],
            name=names[1],
            mode="lines",
            line={"color": MUTED, "width": 1.4, "dash": "dot"},
            customdata=before["day"].dt.strftime("%Y-%m-%d"),
            hovertemplate=f"{axis.of('y')} (%{{customdata}})",
        )
    figure.add_scatter(
        x=now["day"],
        y=now[measure],
        name=names[0],
        mode="lines+markers" if len(now) < 40 else "lines",
        line={"color": ACCENT, "width": 2.2},
        marker={"size": 5},
        hovertemplate=axis.of("y"),
    )
    odd = now[now[f"unusual_{measure}"].notna()] if f"unusual_{measure}" in now else now.head(0)
    if len(odd):
        figure.add_scatter(
            x=odd["day"],
            y=odd[measure],
            name=unusual,
            mode="markers",
            marker={"symbol": "circle-open", "size": 14, "color": SECOND, "line": {"width": 2}},
            customdata=odd[f"usual_{measure}"],
            hovertemplate=f"{axis.of('customdata')}",
        )
    with_campaigns(figure, campaigns, now["day"])
    if len(campaigns):
        starts = campaigns["period_start"].clip(lower=now["day"].iloc[0])
        figure.add_scatter(
            x=starts,
            y=[0] * len(campaigns),
            name=campaign,
            mode="markers",
            marker={"symbol": "triangle-up", "size": 13, "color": MUTED},
            cliponaxis=False,
            customdata="campaign:" + campaigns["campaign_id"],
            text=campaigns["campaign_id"],
            hovertemplate="%{text}",
        )
    return laid_out(
        figure,
        300,
        hovermode="x unified",
        showlegend=True,
        xaxis=DAYS | {"hoverformat": "%Y-%m-%d (%a)"},
        yaxis=axis.scale(highest_of(now[measure], before[measure])),
    )


def by_member(
    members: Sequence[str], figures: pd.DataFrame, axis: Axis, names: tuple[str, str], *, upright: bool
) -> go.Figure:
    """A bar a member for the period and a paler one for the base; `upright` where members have an order.

    `figures`: as `data.scorecard.paired`, in the order of `members`.
    """
    figure = go.Figure()
    labels = [shortened(member) for member in members]
    sides = (("before", names[1], NOBODY), ("now", names[0], ACCENT))
    for side, name, colour in sides if figures["before"].notna().any() else sides[1:]:
        value, label = figures[side].astype(float), labels
        figure.add_bar(
            x=label if upright else value,
            y=value if upright else label,
            orientation="v" if upright else "h",
            name=name,
            marker={"color": colour},
            customdata=list(members),
            hovertemplate=f"%{{customdata}}: {axis.of('y' if upright else 'x')}<extra>{name}</extra>",
        )
    scale = axis.scale(highest_of(figures["now"], figures["before"]))
    if upright:
        layout = {"xaxis": {"type": "category", "nticks": 12, "tickangle": 0}, "yaxis": scale}
    else:
        layout = {
            "xaxis": scale | {"showgrid": True},
            "yaxis": NAMES | {"type": "category", "autorange": "reversed"},
        }
    height = 270 if upright else max(90 + 34 * len(members), 200)
    legend = {"traceorder": "reversed"}
    return laid_out(
        figure, height, barmode="group", showlegend=True, legend=legend, bargroupgap=0.05, **layout
    )


def change(
    steps: Mapping[str, float], before: tuple[str, float], after: tuple[str, float], axis: Axis
) -> go.Figure:
    """A waterfall from what was to what is; the `steps` between add up to the difference."""
    values = [before[1], *steps.values(), after[1]]
    heights = [*accumulate(values[:-1]), after[1]]
    figure = go.Figure(
        go.Waterfall(
            x=[before[0], *steps, after[0]],
            y=values,
            measure=["absolute", *["relative"] * len(steps), "total"],
            connector={"line": {"color": NOBODY}},
            increasing={"marker": {"color": MORE}},
            decreasing={"marker": {"color": LESS}},
            totals={"marker": {"color": ACCENT}},
            hovertemplate=f"%{{x}}: {axis.of('y')}<extra></extra>",
            text=[axis.written(value) for value in values],
            textposition="outside",
            textfont={"color": INK},
            cliponaxis=False,
        )
    )
    return laid_out(
        figure,
        340,
        xaxis=NAMES | {"type": "category", "tickangle": 0},
        yaxis=axis.scale(max(0, *heights), min(0, *heights)),
        # Figures stand above the bars, and names take two lines.
        margin={"t": 28, "b": TWO_LINES},
    )


def highest_of(*values: pd.Series[float]) -> float:
    """The highest of all that are known, 0 without one."""
    known = pd.concat(values).astype(float).max()
    return 0 if pd.isna(known) else float(known)
