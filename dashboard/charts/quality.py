"""Gates, loads and rejects over time, drawn."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts.theme import DAYS, HIDDEN, INK, LOADS, NAMES, VERDICTS, bars, laid_out

# So many squares fit beside each other: one run alone must not fill the card.
FEWEST_SHOWN = 14
REASON_WIDTH = 30
# By gravity.
SIGNS = {"passed": "", "warning": "!", "failed": "✕", "error": "?"}


def verdicts(marks: pd.DataFrame, names: Mapping[str, str]) -> go.Figure:
    """A square a table and run of `data.quality.tables_over_time`; a verdict is a sign besides a colour."""
    wide = marks.pivot(index="table", columns="at", values="verdict").sort_index(ascending=False)
    steps = len(SIGNS)
    scale = [
        (place / steps, VERDICTS[verdict])
        for number, verdict in enumerate(SIGNS)
        for place in (number, number + 1)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=wide.map(list(SIGNS).index, na_action="ignore"),
            x=[f"{moment:%m-%d %H:%M}" for moment in wide.columns],
            y=list(wide.index),
            zmin=-0.5,
            zmax=steps - 0.5,
            colorscale=scale,
            showscale=False,
            xgap=3,
            ygap=3,
            text=wide.map(lambda verdict: SIGNS.get(verdict, "")),
            texttemplate="%{text}",
            customdata=wide.map(lambda verdict: names.get(verdict, "")),
            hovertemplate="%{y}<br>%{x} UTC<br><b>%{customdata}</b><extra></extra>",
        )
    )
    return laid_out(
        figure,
        70 + 22 * len(wide.index),
        xaxis={"type": "category", "nticks": 10, "range": [-0.5, max(len(wide.columns), FEWEST_SHOWN) - 0.5]},
        yaxis=NAMES | {"tickfont": {"color": INK, "size": 12}},
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
        xaxis=DAYS | {"hoverformat": "%Y-%m-%d (%a)"},
        yaxis={"tickformat": ","},
    )


def rejects(found: pd.DataFrame) -> go.Figure:
    """Bars a column and reason, the most frequent on top, in two lines if long. `found`: as
    `data.quality.rejects`.
    """
    named = found["entity"] + "." + found["column"] + " " + found["reason"]
    told = named.where(found["column"] != "", found["reason"])
    sums = found["rows"].groupby(told).sum().sort_values()
    figure = bars(
        list(sums.index),
        sums,
        text=[f"{rows:,}" for rows in sums],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:,}<extra></extra>",
    )
    labels = ["<br>".join(wrap(reason, REASON_WIDTH, max_lines=2, placeholder=" …")) for reason in sums.index]
    return laid_out(
        figure,
        60 + 36 * len(sums),
        # Room for the figure beside the longest bar.
        margin={"r": 56},
        xaxis=HIDDEN,
        yaxis=NAMES | {"tickvals": list(sums.index), "ticktext": labels},
    )
