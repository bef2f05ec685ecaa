"""Products, drawn: how many look at each, and how many of those buy it."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import ACCENT, MUTED, faded, laid_out
from dashboard.measures import Measure

LARGEST = 34


def effect(products: pd.DataFrame, visitors: Measure, conversion: Measure, paid: Measure) -> go.Figure:
    """A bubble a product: visitors to the right, conversion upwards, money its area; lines at the medians.

    `products`: rows of `data.scorecard.figures_of_products` with their `name`.
    """
    money = products["paid_amount"].astype(float).fillna(0).clip(lower=0)
    x, y = products["visitors"].astype(float), products["pay_conversion"].astype(float)
    figure = go.Figure(
        go.Scatter(
            x=x,
            y=y,
            mode="markers",
            marker={
                "size": money,
                "sizemode": "area",
                "sizeref": 2 * max(money.max(), 1) / LARGEST**2,
                "sizemin": 4,
                "color": faded(ACCENT, 0.45),
                "line": {"color": ACCENT, "width": 1},
            },
            customdata=list(zip(products["name"], map(paid.written, products["paid_amount"]), strict=True)),
            hovertemplate="<b>%{customdata[0]}</b><br>"
            f"{visitors.name}: {visitors.axis.of('x')}<br>{conversion.name}: {conversion.axis.of('y')}<br>"
            f"{paid.name}: %{{customdata[1]}}<extra></extra>",
        )
    )
    line = {"color": MUTED, "width": 1, "dash": "dot"}
    figure.add_vline(x=x.median(), line=line)
    if y.notna().any():
        figure.add_hline(y=y.median(), line=line)
    return laid_out(
        figure,
        440,
        hovermode="closest",
        xaxis=visitors.axis.scale(x.max()) | {"title": {"text": visitors.name}, "showgrid": True},
        yaxis={"title": {"text": conversion.name}, "tickformat": ".0%", "rangemode": "tozero"},
    )
