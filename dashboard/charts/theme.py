"""Colours and layout of all charts.

The stages are steps of one ramp from light to dark, so that their order is seen without telling hues apart;
labels say every name besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

INK, MUTED, LINE, NOBODY = "#1B2432", "#5B6675", "#E3E7ED", "#C3CAD4"
ACCENT, ACCENT_SOFT, SECOND = "#2F5DA8", "#9DB7DD", "#C77B1E"
RAMP = ("#E8B84A", "#45A58D", "#2C6DA6", "#35256B")
MOVEMENTS = {
    "new": "#5B8FD0",
    "deepened": "#0F7F79",
    "kept": "#C3CAD4",
    "shallowed": "#D98E32",
    "lost": "#A5341F",
}
# What adds to a figure, and what takes from it.
MORE, LESS = "#0F7F79", "#D98E32"
VERDICTS = {"passed": "#8FC7BD", "warning": "#E8B84A", "failed": "#A5341F", "error": "#35256B"}
LOADS = {"accepted": "#5B8FD0", "arrived": "#C3CAD4", "held_back": "#E8B84A", "refused": "#A5341F"}
# Axes: of days, of names, and one whose figures stand beside the bars.
DAYS = {"tickformat": "%m-%d\n%Y"}
NAMES = {"showgrid": False, "tickfont": {"color": INK}}
HIDDEN = {"visible": False, "rangemode": "tozero"}
# As in .streamlit/config.toml.
FONT = (
    "Inter, 'Segoe UI', 'Helvetica Neue', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial,"
    " sans-serif"
)


def stage_colours(stages: Sequence[str]) -> dict[str, str]:
    """A colour for each stage above rank 0, the lowest first: steps of the ramp, however many there are."""
    last = max(len(stages) - 1, 1)
    return {stage: _on_ramp(number / last) for number, stage in enumerate(stages)}


def _on_ramp(place: float) -> str:
    position = place * (len(RAMP) - 1)
    left = min(int(position), len(RAMP) - 2)
    share = position - left
    low, high = (tuple(int(RAMP[at][i : i + 2], 16) for i in (1, 3, 5)) for at in (left, left + 1))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in zip(low, high, strict=True))


def faded(colour: str, opacity: float) -> str:
    """The colour, seen through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def laid_out(figure: go.Figure, height: int, **layout: Any) -> go.Figure:
    """The figure in the house style."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={
            "bgcolor": "white",
            "bordercolor": LINE,
            "font": {"family": FONT, "size": 13, "color": INK},
        },
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": MUTED}},
        separators=".,",
        bargap=0.25,
        colorway=[ACCENT, SECOND, *RAMP],
    )
    axis = {"gridcolor": LINE, "linecolor": LINE, "zeroline": False, "automargin": True, "ticks": ""}
    figure.update_xaxes(**axis, showgrid=False, ticklabelstandoff=6, tickfont={"color": MUTED})
    figure.update_yaxes(**axis, tickfont={"color": MUTED})
    figure.update_layout(**layout)
    return figure


def bars(labels: Sequence[str], lengths: pd.Series[int], **trace: Any) -> go.Figure:
    """Horizontal bars, the first at the bottom."""
    return go.Figure(go.Bar(x=lengths.values, y=labels, orientation="h", marker={"color": ACCENT}, **trace))
