"""Figures as the browser gets them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.io import to_json

from dashboard.charts.course import EDGE, HEIGHT, WIDTH, course
from dashboard.charts.theme import (
    BESIDE,
    DAYS,
    HIDDEN,
    HOUSE,
    LETTER_WIDTH,
    in_house_style,
    laid_out,
)


def sent(figure: go.Figure) -> Any:
    """As Streamlit sends it to the browser."""
    return json.loads(to_json(in_house_style(figure), validate=False))


def told(**trace: Any) -> Any:
    return sent(go.Figure(go.Scatter(**trace)))


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pd.Series([1, 2, 300]), [1, 2, 300]),
        (pd.Series([1.5, None]), [1.5, None]),
        (np.array([2**40, -1]), [2**40, -1]),
        (pd.Series([], dtype="float64"), []),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series([True, False]), [True, False]),
        (pd.Series(pd.to_datetime(["2024-01-31"])), ["2024-01-31T00:00:00"]),
    ],
)
def test_arrays_are_lists(values: Sequence[Any], wanted: list[Any]) -> None:
    assert told(y=values)["data"][0]["y"] == wanted


def test_arrays_of_rows_and_within_parts_are_lists() -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": [0.5, 0.25], "c": [3.0, 4.0]})
    (trace,) = told(y=[1, 2], customdata=rows, marker={"size": np.array([7, 8])})["data"]
    assert trace["customdata"] == rows.to_numpy().tolist()
    assert trace["marker"]["size"] == [7, 8]
    (flow,) = sent(go.Figure(go.Sankey(link={"source": np.array([0, 1])})))["data"]
    assert flow["link"]["source"] == [0, 1]


@given(st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=60))
def test_the_line_of_a_tile_has_the_order_of_its_values_and_fills_the_picture(values: list[float]) -> None:
    picture = ElementTree.fromstring(course(values, "#123456"))
    assert picture.attrib["viewBox"] == f"0 0 {WIDTH} {HEIGHT}"
    (line,) = picture
    assert line.attrib["stroke"] == "#123456"
    xs, ys = zip(*(map(float, point.split(",")) for point in line.attrib["points"].split()), strict=True)
    assert list(xs) == sorted(xs) and len(xs) == len(values) and (xs[0], xs[-1]) == (0, WIDTH)
    ranked = [y for _, y in sorted(zip(values, ys, strict=True), key=lambda point: point[0])]
    assert ranked == sorted(ranked, reverse=True)
    if min(values) == max(values):
        assert set(ys) == {HEIGHT / 2}
    else:
        assert (max(ys), min(ys)) == (HEIGHT - EDGE, EDGE)


def test_a_figure_says_more_than_the_house_style() -> None:
    figure = laid_out(go.Figure(), 200, yaxis={"showgrid": False}, margin={"l": 40}, hovermode="x")
    layout = sent(figure)["layout"]
    assert layout["yaxis"] == HOUSE["yaxis"] | {"showgrid": False}
    assert layout["margin"] == sent(go.Figure())["layout"]["margin"] | {"l": 40}
    assert (layout["hovermode"], layout["xaxis"], layout["height"]) == ("x", HOUSE["xaxis"], 200)
    assert "template" not in layout


@pytest.mark.parametrize(
    ("figure", "letters"),
    [
        (go.Figure(go.Bar(x=[1, 2], y=["a", "abcdefgh"], orientation="h")), 8),
        (go.Figure(go.Bar(x=[1, 2], y=["a", "社交媒体"], orientation="h")), 8),
        (go.Figure(go.Funnel(x=[1], y=["Awareness<br>2,075 · 100%"])), len("2,075 · 100%") + 1),
        (laid_out(go.Figure(go.Bar(y=[1e6, None])), 200, yaxis={"tickformat": ","}), len("1,000,000")),
        (
            laid_out(
                go.Figure(go.Bar(y=[1e6])), 200, yaxis={"ticktext": ["0", "100万"], "tickvals": [0, 1e6]}
            ),
            5,
        ),
        (laid_out(go.Figure(go.Bar(y=["a reason"])), 200, yaxis={"ticktext": ["a<br>reason"]}), 6),
    ],
)
def test_labels_beside_a_chart_have_room(figure: go.Figure, letters: int) -> None:
    assert sent(figure)["layout"]["margin"]["l"] == BESIDE + LETTER_WIDTH * letters


def test_labels_below_and_above_a_chart_have_room() -> None:
    one, two = go.Bar(x=[1], y=[2]), [go.Bar(x=[1], y=[2])] * 2

    def margin(side: str, traces: Any, **layout: Any) -> int:
        return int(sent(laid_out(go.Figure(traces), 200, **layout))["layout"]["margin"][side])

    assert margin("b", one, xaxis=HIDDEN) < margin("b", one) < margin("b", one, xaxis=DAYS)
    assert margin("b", one, xaxis={"title": {"text": "visitors"}}) == margin("b", one, xaxis=DAYS)
    assert margin("t", one) == margin("t", two, showlegend=False)
    assert margin("t", two) == margin("t", one, showlegend=True) > margin("t", one)


def test_other_figures_have_another_revision() -> None:
    revisions = [
        one["layout"]["datarevision"]
        for one in (
            told(y=[1.0, 2.0]),
            told(y=pd.Series([1.0, 2.0])),
            told(y=pd.Series([1.0, 2.5])),
            told(y=[1.0, 2.0], x=pd.to_datetime(["2024-01-01", "2024-01-02"])),
            told(y=[1.0, 2.0], x=pd.to_datetime(["2024-01-01", "2024-01-03"])),
        )
    ]
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == 4


def test_modes_of_clicks_are_those_of_streamlit() -> None:
    layout = in_house_style(go.Figure(), is_clickable=True).layout
    assert (layout.clickmode, layout.dragmode) == ("event+select", "pan")
    assert "clickmode" not in sent(go.Figure())["layout"]
