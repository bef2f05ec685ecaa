"""FAST, drawn: one figure a letter, its named variants side by side."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import Axis
from dashboard.charts.theme import ACCENT, ACCENT_SOFT, DAYS, SECOND, laid_out, with_campaigns
from dashboard.data.fast import METRICS, RATES
from dashboard.data.release import rows_of


def letter(periods: pd.DataFrame, names: Mapping[str, str], axis: Axis, campaigns: pd.DataFrame) -> go.Figure:
    """A line a metric of `names`, and a band for each campaign; ratios show numerator and denominator.

    `periods`: as `data.fast.FAST`, `campaigns`: as `data.scorecard.CAMPAIGNS`.
    """
    figure = go.Figure()
    spans = [f"{row.period_start:%Y-%m-%d} – {row.period_end:%Y-%m-%d}" for row in rows_of(periods)]
    for (metric, name), colour, dash in zip(names.items(), (ACCENT, SECOND), ("solid", "dot"), strict=False):
        parts = [periods[part] for part in METRICS[metric] if part]
        value = "%{y:.1%} = %{customdata[1]:,} / %{customdata[2]:,}" if metric in RATES else "%{y:,}"
        figure.add_scatter(
            x=periods["period_start"],
            y=periods[metric],
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.2, "dash": dash},
            marker={"size": 6},
            customdata=list(zip(spans, *parts, strict=True)),
            hovertemplate="%{customdata[0]}<br>" + value,
        )
    with_campaigns(figure, campaigns, periods["period_start"])
    return laid_out(
        figure,
        270,
        hovermode="closest",
        showlegend=True,
        xaxis=DAYS | {"nticks": 6},
        yaxis=axis.scale(periods[list(names)].max().max()),
    )


def tiers(members: pd.DataFrame, active: str, quiet: str, tier: str) -> go.Figure:
    """Bars a membership tier, active members below. `members`: as `data.fast.TIERS`."""
    labels = [f"{tier} {number}" for number in members["tier"]]
    rest = members["members"] - members["thriving_members"]
    figure = go.Figure()
    figure.add_bar(
        x=labels,
        y=members["thriving_members"],
        name=active,
        marker={"color": ACCENT},
        text=["" if pd.isna(share) else f"{share:.1%}" for share in members["thriving_rate"]],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        hovertemplate="%{x}: %{y:,}",
    )
    figure.add_bar(x=labels, y=rest, name=quiet, marker={"color": ACCENT_SOFT}, hovertemplate="%{x}: %{y:,}")
    return laid_out(
        figure, 300, barmode="stack", yaxis={"tickformat": ","}, uniformtext={"minsize": 11, "mode": "hide"}
    )
