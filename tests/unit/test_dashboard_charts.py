"""Figures as the browser gets them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from plotly.io import to_json

from dashboard.charts.theme import HOUSE, in_house_style, laid_out


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


def test_a_figure_says_more_than_the_house_style() -> None:
    figure = laid_out(go.Figure(), 200, yaxis={"showgrid": False}, margin={"l": 40}, hovermode="x")
    layout = sent(figure)["layout"]
    assert layout["yaxis"] == HOUSE["yaxis"] | {"showgrid": False}
    assert layout["margin"] == HOUSE["margin"] | {"l": 40}
    assert (layout["hovermode"], layout["xaxis"], layout["height"]) == ("x", HOUSE["xaxis"], 200)
    assert "template" not in layout
    assert "l" in HOUSE["margin"] and HOUSE["margin"]["l"] != 40


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
