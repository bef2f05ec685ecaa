"""GMV and its gap, drawn."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import ACCENT, ACCENT_SOFT, INK, SECOND, faded, laid_out
from dashboard.data.rows import rows_of
from dashboard.format import span


def daily(money: pd.DataFrame, sign: str, gross: str, net: str) -> go.Figure:
    """Bars of what was paid, a line of the net. `money`: as `data.money.daily`."""
    figure = go.Figure()
    figure.add_bar(
        x=money["day"],
        y=money["gross"],
        name=gross,
        marker={"color": ACCENT_SOFT},
        hovertemplate=f"{sign}%{{y:,.0f}}",
    )
    figure.add_scatter(
        x=money["day"],
        y=money["net"],
        name=net,
        mode="lines",
        line={"color": ACCENT, "width": 2},
        hovertemplate=f"{sign}%{{y:,.0f}}",
    )
    return laid_out(
        figure,
        300,
        hovermode="x unified",
        xaxis={"hoverformat": "%Y-%m-%d (%a)", "tickformat": "%m-%d\n%Y"},
        yaxis={"tickformat": "~s", "tickprefix": sign, "rangemode": "tozero"},
    )


def gaps(targets: pd.DataFrame, sign: str, names: Mapping[str, str]) -> go.Figure:
    """A bar a target period: paid so far, the forecast with its interval, and a mark at the target.

    `targets`: rows of `data.money.gaps` of one method.
    """
    labels = [span(row.period_start, row.period_end) for row in rows_of(targets)]
    remaining = (targets["forecast"] - targets["actual"]).fillna(0)
    figure = go.Figure()
    figure.add_bar(
        y=labels,
        x=targets["actual"],
        orientation="h",
        name=names["actual"],
        marker={"color": ACCENT},
        hovertemplate=f"{sign}%{{x:,.0f}}",
    )
    figure.add_bar(
        y=labels,
        x=remaining,
        orientation="h",
        name=names["forecast"],
        marker={"color": faded(ACCENT, 0.3)},
        customdata=targets[["forecast", "forecast_p10", "forecast_p90"]],
        hovertemplate=f"{sign}%{{customdata[0]:,.0f}} "
        f"({sign}%{{customdata[1]:,.0f}} – {sign}%{{customdata[2]:,.0f}})",
    )
    known = targets.assign(label=labels)[
        targets["forecast_p10"].notna().to_numpy() & (remaining > 0).to_numpy()
    ]
    figure.add_scatter(
        y=known["label"],
        x=known["forecast"],
        mode="markers",
        name=names["interval"],
        marker={"size": 1, "color": INK},
        error_x={
            "type": "data",
            "symmetric": False,
            "thickness": 1.5,
            "width": 6,
            "color": INK,
            "array": known["forecast_p90"] - known["forecast"],
            "arrayminus": known["forecast"] - known["forecast_p10"],
        },
        hoverinfo="skip",
    )
    figure.add_scatter(
        y=labels,
        x=targets["target"],
        mode="markers",
        name=names["target"],
        marker={"symbol": "line-ns", "size": 24, "line": {"width": 3, "color": SECOND}},
        hovertemplate=f"{sign}%{{x:,.0f}}",
    )
    return laid_out(
        figure,
        max(110 + 52 * len(labels), 200),
        barmode="stack",
        xaxis={"tickformat": "~s", "tickprefix": sign, "showgrid": True, "rangemode": "tozero"},
        yaxis={"type": "category", "showgrid": False, "autorange": "reversed", "tickfont": {"color": INK}},
        legend={"traceorder": "normal"},
    )
