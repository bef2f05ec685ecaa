"""Figures of the scorecard, drawn: by day, by member, and a change in its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import (
    ACCENT,
    ACCENT_SOFT,
    DAYS,
    INK,
    LESS,
    MORE,
    MUTED,
    NAMES,
    NOBODY,
    laid_out,
)
from dashboard.data.release import rows_of

# Longer names are cut in charts: the table and the CSV have them whole.
LONGEST_NAME = 22
HALF_A_DAY = pd.Timedelta(hours=12)


@dataclass(frozen=True)
class Axis:
    """How an axis of a measure and its hover text write a value."""

    ticks: str
    hover: str
    prefix: str = ""
    suffix: str = ""

    def of(self, name: str) -> str:
        """A value of a trace, such as `x`, as a template writes it."""
        return f"{self.prefix}%{{{name}:{self.hover}}}{self.suffix}"


def by_day(
    now: pd.DataFrame,
    before: pd.DataFrame,
    measure: str,
    axis: Axis,
    names: tuple[str, str],
    *,
    campaigns: pd.DataFrame,
) -> go.Figure:
    """A line of the period's days, a dotted one of the base's day by day, and a band for each campaign.

    `now`, `before`: as `data.scorecard.MEMBER_DAYS`, `campaigns`: as `data.scorecard.CAMPAIGNS`.
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
    for campaign in rows_of(campaigns):
        figure.add_vrect(
            x0=max(campaign.period_start, now["day"].iloc[0]) - HALF_A_DAY,
            x1=min(campaign.period_end, now["day"].iloc[-1]) + HALF_A_DAY,
            fillcolor=ACCENT_SOFT,
            opacity=0.18,
            line_width=0,
            annotation={"text": shortened(campaign.campaign_id), "font": {"size": 11, "color": MUTED}},
            annotation_position="top left",
        )
    return laid_out(
        figure,
        300,
        hovermode="x unified",
        showlegend=True,
        xaxis=DAYS | {"hoverformat": "%Y-%m-%d (%a)"},
        yaxis=_scale(axis),
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
    if upright:
        layout = {"xaxis": {"type": "category", "nticks": 12, "tickangle": 0}, "yaxis": _scale(axis)}
    else:
        layout = {
            "xaxis": _scale(axis) | {"showgrid": True},
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
            texttemplate=axis.of("text"),
            text=values,
            textposition="outside",
            textfont={"color": INK},
            cliponaxis=False,
        )
    )
    return laid_out(
        figure,
        340,
        xaxis=NAMES | {"type": "category", "tickangle": 0},
        yaxis=_scale(axis),
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
    )


def shortened(name: str) -> str:
    """A name that leaves room for the bars."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _scale(axis: Axis) -> dict[str, object]:
    return {
        "tickformat": axis.ticks,
        "tickprefix": axis.prefix,
        "ticksuffix": axis.suffix,
        "rangemode": "tozero",
    }
