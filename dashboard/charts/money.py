"""GMV and its gap, drawn."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.axes import Axis
from dashboard.charts.theme import (
    ACCENT,
    ACCENT_SOFT,
    DAYS,
    INK,
    NAMES,
    SECOND,
    faded,
    laid_out,
    with_campaigns,
)
from dashboard.data.release import rows_of
from dashboard.format import span


def daily(money: pd.DataFrame, axis: Axis, names: tuple[str, str], campaigns: pd.DataFrame) -> go.Figure:
    """Bars of what was paid, a line of the net, called by `names`, and a band for each campaign.

    `money`: as `data.money.DAILY`, `campaigns`: as `data.scorecard.CAMPAIGNS`.
    """
    gross, net = names
    figure = go.Figure()
    figure.add_bar(x=money["day"], y=money["gross"], name=gross, marker={"color": ACCENT_SOFT})
    figure.add_scatter(
        x=money["day"], y=money["net"], name=net, mode="lines", line={"color": ACCENT, "width": 2}
    )
    figure.update_traces(hovertemplate=axis.of("y"))
    with_campaigns(figure, campaigns, money["day"])
    return laid_out(
        figure,
        300,
        hovermode="x unified",
        xaxis=DAYS | {"hoverformat": "%Y-%m-%d (%a)"},
        yaxis=axis.scale(money["gross"].max(), money["net"].min()),
    )


def gaps(targets: pd.DataFrame, axis: Axis, names: Mapping[str, str]) -> go.Figure:
    """A bar a target period: paid so far, the forecast with its interval, and a mark at the target.

    `targets`: rows of `data.money.GAPS` of one method.
    """
    labels = [span(row.period_start, row.period_end) for row in rows_of(targets)]
    remaining = (targets["forecast"] - targets["actual"]).fillna(0)
    in_all, low, high = (axis.of(f"customdata[{number}]") for number in range(3))
    figure = go.Figure()
    figure.add_bar(
        y=labels,
        x=targets["actual"],
        orientation="h",
        name=names["actual"],
        marker={"color": ACCENT},
        hovertemplate=axis.of("x"),
    )
    figure.add_bar(
        y=labels,
        x=remaining,
        orientation="h",
        name=names["forecast"],
        marker={"color": faded(ACCENT, 0.3)},
        customdata=targets[["forecast", "forecast_p10", "forecast_p90"]],
        hovertemplate=f"{in_all} ({low} – {high})",
    )
    known = targets.assign(label=labels)[targets["forecast_p10"].notna() & (remaining > 0)]
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
        hovertemplate=axis.of("x"),
    )
    return laid_out(
        figure,
        max(110 + 52 * len(labels), 200),
        barmode="stack",
        xaxis=axis.scale(targets[["actual", "forecast_p90", "target"]].max().max()) | {"showgrid": True},
        yaxis=NAMES | {"type": "category", "autorange": "reversed"},
        legend={"traceorder": "normal"},
    )
