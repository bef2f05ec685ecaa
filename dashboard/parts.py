"""Building blocks of the pages: cards with a download, tiles, tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from html import escape

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from dashboard.format import is_missing
from dashboard.view import View
from orchestration.core.printable import formula_safe

PLOTLY = {"displayModeBar": False, "displaylogo": False, "responsive": True}


@contextmanager
def card(view: View, title: str, name: str, frame: pd.DataFrame | None, note: str = "") -> Iterator[None]:
    """A box with a title, what it means behind a question mark, and its figures as CSV."""
    with st.container(border=True, key=f"card_{name}", height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"##### {title}", help=note or None, width="content")
            if frame is not None and not frame.empty:
                st.download_button(
                    "CSV",
                    to_csv(frame),
                    file_name(view, name),
                    "text/csv",
                    key=f"csv_{name}",
                    help=view.text("csv_help"),
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )
        yield


def draw(figure: go.Figure, name: str, alt: str) -> None:
    """A figure in the house style, as wide as its card."""
    st.plotly_chart(figure, theme=None, config=PLOTLY, key=f"chart_{name}", alt=alt)


def to_csv(frame: pd.DataFrame) -> bytes:
    """Figures as they are, texts safe for spreadsheets; with the mark by which Excel knows UTF-8."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [
                formula_safe(value) if isinstance(value, str) else value for value in safe[column]
            ]
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


def file_name(view: View, name: str) -> str:
    """Says of what release, brand and day the figures are."""
    about = [name]
    if view.brand:
        about += [view.brand.brand_id, view.preset, view.day.isoformat()]
    if view.release:
        about.append(view.release.release_id)
    return "-".join("".join(c if c.isalnum() or c in "-_." else "_" for c in part) for part in about) + ".csv"


def tile(
    label: str,
    value: str,
    *,
    delta: str | None = None,
    direction: float | None = None,
    against: str = "",
    note: str = "",
    line: Iterable[float] | None = None,
    is_neutral: bool = False,
) -> None:
    """A figure with its change in words, sign, arrow and colour, and its recent course."""
    is_flat = direction is None or is_missing(direction) or direction == 0
    rises = not is_flat and direction is not None and direction > 0
    points = [float(point) for point in line] if line is not None else []
    st.metric(
        label,
        value,
        delta,
        delta_color="gray" if is_flat or is_neutral else "green" if rises else "red",
        delta_arrow="off" if is_flat else "up" if rises else "down",
        delta_description=against if delta else None,
        help=note or None,
        border=True,
        height="stretch",
        chart_data=points if len(points) > 1 else None,
        chart_type="line",
    )


def table(
    columns: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Iterable[int] = (),
    wide: Iterable[int] = (),
    total: bool = False,
    caption: str = "",
) -> None:
    """A plain table of texts that any reader of screens understands.

    `numeric` columns stand to the right, `wide` ones break their lines, also within a table's name; with
    `total` the last row is a sum.
    """
    kinds = dict.fromkeys(numeric, "n") | dict.fromkeys(wide, "w")

    def line(cells: Sequence[object], opening: str, closing: str) -> str:
        return "".join(
            f'<{opening} class="{kinds.get(at, "")}">{_cell(cell, kinds.get(at) == "w")}</{closing}>'
            for at, cell in enumerate(cells)
        )

    lines = [f"<tr>{line(row, 'td', 'td')}</tr>" for row in rows]
    if total and lines:
        lines[-1] = lines[-1].replace("<tr>", '<tr class="total">', 1)
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = f"<thead><tr>{line(columns, 'th scope=col', 'th')}</tr></thead>"
    st.html(
        f'<div class="scroll" tabindex="0"><table class="figures">{named}{head}'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


class Chip:
    """A word in a table on a coloured ground."""

    def __init__(self, words: str, kind: str) -> None:
        self.words, self.kind = words, kind

    def __str__(self) -> str:
        return f'<span class="chip {escape(self.kind)}">{escape(self.words)}</span>'


class Swatch:
    """A name beside its colour."""

    def __init__(self, words: str, colour: str) -> None:
        self.words, self.colour = words, colour

    def __str__(self) -> str:
        return f'<span class="swatch" style="background:{self.colour}"></span>{escape(self.words)}'


def _cell(cell: object, is_wide: bool) -> str:
    if isinstance(cell, Chip | Swatch):
        return str(cell)
    words = escape(str(cell))
    return words.replace("_", "_<wbr>") if is_wide else words
