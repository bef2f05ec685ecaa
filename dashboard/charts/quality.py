"""Gates, loads and rejects over time, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import ACCENT, INK, LOADS, VERDICTS, laid_out

# So many squares fit beside each other: one run alone must not fill the card.
FEWEST_SHOWN = 14
REASON_WIDTH = 30
GRAVITY = ("passed", "warning", "failed", "error")


def verdicts(marks: pd.DataFrame, names: Mapping[str, str]) -> go.Figure:
    """A square a table and run of `data.quality.tables_over_time`; a verdict is a sign besides a colour."""
    grid = marks.assign(gravity=[GRAVITY.index(verdict) for verdict in marks["verdict"]])
    wide = grid.pivot(index="table", columns="at", values="gravity").sort_index(ascending=False)
    steps = len(GRAVITY)
    scale = [
        (place / steps, VERDICTS[verdict])
        for number, verdict in enumerate(GRAVITY)
        for place in (number, number + 1)
    ]
    signs = {0: "", 1: "!", 2: "✕", 3: "?"}
    told = wide.map(lambda gravity: "" if pd.isna(gravity) else names[GRAVITY[int(gravity)]])
    figure = go.Figure(
        go.Heatmap(
            z=wide.to_numpy(),
            x=[f"{moment:%m-%d %H:%M}" for moment in wide.columns],
            y=list(wide.index),
            zmin=-0.5,
            zmax=steps - 0.5,
            colorscale=scale,
            showscale=False,
            xgap=3,
            ygap=3,
            text=wide.map(lambda gravity: "" if pd.isna(gravity) else signs[int(gravity)]).to_numpy(),
            texttemplate="%{text}",
            customdata=told.to_numpy(),
            hovertemplate="%{y}<br>%{x} UTC<br><b>%{customdata}</b><extra></extra>",
        )
    )
    return laid_out(
        figure,
        70 + 22 * len(wide.index),
        xaxis={"type": "category", "nticks": 10, "range": [-0.5, max(len(wide.columns), FEWEST_SHOWN) - 0.5]},
        yaxis={"showgrid": False, "tickfont": {"color": INK, "size": 12}},
    )


def loads(loads: pd.DataFrame, names: Mapping[str, str]) -> go.Figure:
    """Rows a load date, by state. `loads`: as `data.quality.loads`, of one source."""
    figure = go.Figure()
    for state, colour in LOADS.items():
        own = loads[loads["state"] == state]
        if own.empty:
            continue
        figure.add_bar(
            x=own["load_date"],
            y=own["rows"],
            name=names[state],
            marker={"color": colour},
            customdata=own[["files", "unreadable"]],
            hovertemplate=f"%{{y:,}} {names['rows']} · %{{customdata[0]:,}} {names['files']} · "
            f"%{{customdata[1]:,}} {names['unreadable']}",
        )
    return laid_out(
        figure,
        360,
        barmode="stack",
        bargap=0.15,
        showlegend=True,
        xaxis={"hoverformat": "%Y-%m-%d (%a)", "tickformat": "%m-%d\n%Y"},
        yaxis={"tickformat": ","},
    )


def rejects(found: pd.DataFrame) -> go.Figure:
    """Bars a reason, the most frequent on top, in two lines if long. `found`: as `data.quality.rejects`."""
    sums = found.groupby("reason")["rows"].sum().sort_values()
    figure = go.Figure(
        go.Bar(
            x=sums.values,
            y=list(sums.index),
            orientation="h",
            marker={"color": ACCENT},
            text=[f"{rows:,}" for rows in sums],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,}<extra></extra>",
        )
    )
    return laid_out(
        figure,
        60 + 36 * len(sums),
        # Room for the figure beside the longest bar.
        margin={"l": 8, "r": 56, "t": 8, "b": 8},
        xaxis={"visible": False, "rangemode": "tozero"},
        yaxis={
            "showgrid": False,
            "tickfont": {"color": INK},
            "tickvals": list(sums.index),
            "ticktext": [
                "<br>".join(wrap(reason, REASON_WIDTH, max_lines=2, placeholder=" …"))
                for reason in sums.index
            ],
        },
    )
