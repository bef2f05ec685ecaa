"""Colours and layout of all charts.

The stages are steps of one ramp of blue from light to dark, so that their order is seen without telling hues
apart; movements, which stand beside them, are of no blue. Labels say every name besides.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.data.release import rows_of

Json = dict[str, Any]

INK, MUTED, LINE, NOBODY = "#1B2432", "#5B6675", "#E3E7ED", "#C3CAD4"
ACCENT, ACCENT_SOFT, SECOND = "#2F5DA8", "#9DB7DD", "#C77B1E"
RAMP = ("#B9D3EE", "#79A7DB", "#3A70B2", "#1A2F63")
MOVEMENTS = {
    "new": "#7FBF7B",
    "deepened": "#0B6B50",
    "kept": "#C3CAD4",
    "shallowed": "#D98E32",
    "lost": "#A5341F",
}
# What adds to a figure, and what takes from it.
MORE, LESS = "#0F7F79", "#D98E32"
VERDICTS = {"passed": "#8FC7BD", "warning": "#E8B84A", "failed": "#A5341F", "error": "#35256B"}
LOADS = {"accepted": "#5B8FD0", "arrived": "#C3CAD4", "held_back": "#E8B84A", "refused": "#A5341F"}
# The line of a tile, by the colour of its change: as in .streamlit/config.toml.
COURSE_COLOURS = {"gray": MUTED, "green": "#0A6E69", "red": "#B23B24"}
# Axes: of days, of names, and one whose figures stand beside the bars.
DAYS = {"tickformat": "%m-%d\n%Y"}
NAMES = {"showgrid": False, "tickfont": {"color": INK}}
HIDDEN = {"visible": False, "rangemode": "tozero"}
# Longer names are cut in charts: the table and the CSV have them whole.
LONGEST_NAME = 22
HALF_A_DAY = pd.Timedelta(hours=12)
# Labels of campaigns lie below each other where they would meet: lines of so many pixels, and a letter as a
# share of the width of half a page. Where no line is free, the band stands without a label.
LABEL_LINES, LINE_HEIGHT, LETTER = 3, 15, 0.0145
# As in .streamlit/config.toml.
FONT = (
    "Inter, 'Segoe UI', 'Helvetica Neue', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', Arial,"
    " sans-serif"
)

_TEXT = {"family": FONT, "size": 13, "color": INK}
_AXIS = {
    "gridcolor": LINE,
    "linecolor": LINE,
    "zeroline": False,
    "automargin": True,
    "ticks": "",
    "tickfont": {"color": MUTED},
}
# Margins in pixels: without labels; on the right of bars, where the last label of their axis is half outside;
# above a chart with its legend; below it with one line or two; on the left, where each letter takes more.
EDGE, RIGHT, LEGEND, ONE_LINE, TWO_LINES, BESIDE, LETTER_WIDTH = 12, 24, 49, 40, 57, 30, 6
HOUSE: Json = {
    "font": _TEXT,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "hoverlabel": {"bgcolor": "white", "bordercolor": LINE, "font": _TEXT},
    "hovermode": "closest",
    "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": MUTED}},
    "separators": ".,",
    "bargap": 0.25,
    "colorway": [ACCENT, SECOND, *RAMP],
    # IDs that look like numbers are names.
    "autotypenumbers": "strict",
    "xaxis": _AXIS | {"showgrid": False, "ticklabelstandoff": 6},
    "yaxis": _AXIS,
}
# As Streamlit sets them.
OF_CLICKS = {"clickmode": "event+select", "dragmode": "pan"}


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
    """The figure, so many pixels high, with its own layout."""
    # Several times as fast as `update_layout`.
    figure.layout = {**figure.layout.to_plotly_json(), "height": height, **layout}
    return figure


def in_house_style(figure: go.Figure, *, is_clickable: bool = False) -> go.Figure:
    """The figure as the browser gets it.

    Streamlit has each chart drawn twice, the second time with its modes for clicks where there are none.
    Plotly draws nothing again where nothing has changed: lists have not under the same `datarevision`, but a
    template and arrays in base 64 always have.
    """
    told: Json = _with_lists(figure.to_dict())
    around = {"margin": _margin(told["data"], told["layout"])} | (OF_CLICKS if is_clickable else {})
    told["layout"] = _over(HOUSE | around, told["layout"])
    told["layout"]["datarevision"] = crc32(json.dumps(told, default=str).encode())
    styled = go.Figure(told)
    # A new figure has the default one, which Streamlit changes.
    styled.layout.template = None
    return styled


def _margin(traces: Sequence[Json], layout: Json) -> Json:
    """Room for the labels: with less, Plotly draws a chart to see how much they take, and then once more."""
    # In this encoding a Chinese character, which is as wide as two letters, has two bytes.
    letters = [len(line.encode("gb18030")) for name in _beside(traces, layout) for line in name.split("<br>")]
    below = layout.get("xaxis", {})
    has_two_lines = "title" in below or "\n" in below.get("tickformat", "")
    are_bars = any(trace.get("orientation") == "h" for trace in traces)
    return {
        "l": BESIDE + LETTER_WIDTH * max(letters, default=0),
        "r": RIGHT if are_bars else EDGE,
        "t": LEGEND if layout.get("showlegend", len(traces) > 1) else EDGE,
        "b": EDGE if below.get("visible") is False else TWO_LINES if has_two_lines else ONE_LINE,
    }


def _beside(traces: Sequence[Json], layout: Json) -> Sequence[str]:
    """What stands beside the axis on the left: names, or figures as wide as the widest."""
    axis = layout.get("yaxis", {})
    if "ticktext" in axis:
        return list(axis["ticktext"])
    values = [value for trace in traces for value in trace.get("y", ())]
    if names := [value for value in values if isinstance(value, str)]:
        return names
    highest = max((value for value in values if value is not None), default=0)
    return [f"{highest:,.0f}" if axis.get("tickformat") == "," else "$100k"]


def _with_lists(told: Any) -> Any:
    if isinstance(told, Mapping):
        if "bdata" not in told:
            return {key: _with_lists(value) for key, value in told.items()}
        values = np.frombuffer(b64decode(told["bdata"]), told["dtype"])
        shape = [int(length) for length in str(told.get("shape", len(values))).split(",")]
        return values.reshape(shape).tolist()
    return [_with_lists(one) for one in told] if isinstance(told, list | tuple) else told


def _over(below: Json, above: Json) -> Json:
    both = {
        key: _over(below[key], above[key]) for key in below.keys() & above if isinstance(above[key], dict)
    }
    return below | above | both


def with_campaigns(figure: go.Figure, campaigns: pd.DataFrame, days: pd.Series[pd.Timestamp]) -> go.Figure:
    """A labelled band for each campaign that touches the days, as far as they reach.

    `campaigns`: as `data.scorecard.CAMPAIGNS`.
    """
    # Where the label of each line below each other ends.
    ends = [days.min()] * LABEL_LINES
    bands, labels = [], []
    for one in rows_of(campaigns):
        start, label = max(one.period_start, days.min()), shortened(one.campaign_id)
        line = next((line for line, end in enumerate(ends) if end <= start), None)
        bands.append(
            {
                "type": "rect",
                "x0": start - HALF_A_DAY,
                "x1": min(one.period_end, days.max()) + HALF_A_DAY,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": ACCENT_SOFT,
                "opacity": 0.18,
                "line": {"width": 0},
            }
        )
        if line is None:
            continue
        ends[line] = start + (days.max() - days.min()) * len(label) * LETTER
        labels.append(
            {
                "text": label,
                "x": start - HALF_A_DAY,
                "xanchor": "left",
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "yshift": -LINE_HEIGHT * line,
                "showarrow": False,
                "font": {"size": 11, "color": INK},
                "bgcolor": "rgba(255,255,255,0.6)",
            }
        )
    # All at once: those that are there are checked again with each that is added.
    figure.layout.shapes, figure.layout.annotations = bands, labels
    return figure


def shortened(name: str) -> str:
    """A name that leaves room for the bars."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def bars(labels: Sequence[str], lengths: pd.Series[int], **trace: Any) -> go.Figure:
    """Horizontal bars, the first at the bottom."""
    return go.Figure(go.Bar(x=lengths.values, y=labels, orientation="h", marker={"color": ACCENT}, **trace))
