"""Building blocks of the pages: cards with a download, tiles, tables, empty states."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import streamlit as st

from dashboard.charts.course import course
from dashboard.charts.theme import COURSE_COLOURS, in_house_style
from dashboard.format import figure, is_known, is_notable, points, relative, signed, signed_percent
from dashboard.links import take_over, write_down
from dashboard.text import labels
from dashboard.view import Brand, View
from orchestration.core.printable import formula_safe

ROWS = st.components.v2.component(
    "rows",
    html='<div class="rows"></div>',
    js=Path(__file__).with_name("rows.js").read_text(),
    isolate_styles=False,
)
PLOTLY = {"displayModeBar": False, "displaylogo": False, "responsive": True}


def card(
    view: View,
    name: str,
    frame: pd.DataFrame | None = None,
    fill: Callable[[pd.DataFrame], None] | None = None,
    *,
    title: str = "",
    empty: str = "",
    whole: Callable[[], pd.DataFrame] | None = None,
    **values: object,
) -> None:
    """A box with a title, what it means behind a question mark, its figures as CSV, and what `fill` draws.

    Text `title`, else that of the card's name, is the title; text `<name>_note` says what it means. Without a
    row, text `empty` with its `values` stands for what `fill` draws, which has to do with none otherwise.
    Where `frame` has only the first rows, `whole` answers with all of them for the CSV.
    """
    frame = pd.DataFrame() if frame is None else frame
    with st.container(border=True, key=f"card_{name}", height="stretch"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            note = view.text(f"{name}_note") if f"{name}_note" in labels() else None
            st.markdown(f"##### {view.text(title or name)}", help=note, width="content")
            if not frame.empty:
                st.download_button(
                    "CSV",
                    # Written when it is asked for: thousands of products take most of a second.
                    partial(_csv, whole or (lambda: frame), about(view, view.text(title or name))),
                    file_name(view, name),
                    "text/csv",
                    key=f"csv_{name}",
                    help=view.text("csv_help"),
                    icon=":material/download:",
                    type="tertiary",
                    on_click="ignore",
                )
        if frame.empty and empty:
            nothing(view, empty, **values)
        elif fill:
            fill(frame)


def choose(
    label: str, options: Sequence[str], key: str, named: Callable[[str], str], default: str = ""
) -> str:
    """One of some options, in the link under `key`: the first without a `default`."""
    default = default or options[0]
    take_over(key, options, default)
    st.segmented_control(
        label, options, key=key, required=True, format_func=named, label_visibility="collapsed"
    )
    chosen = str(st.session_state[key])
    write_down(key, chosen, default=default)
    return chosen


def choose_of_many(label: str, options: Sequence[str], key: str, named: Callable[[str], str]) -> str:
    """One of more options than a switch has room for, in the link under `key`; else the first."""
    take_over(key, options, options[0])
    st.selectbox(label, options, key=key, width=420, format_func=named)
    chosen = str(st.session_state[key])
    write_down(key, chosen, default=options[0])
    return chosen


class Point(NamedTuple):
    """A point of a figure: its number within its trace, where it stands on the axis, and what it carries."""

    number: int
    x: Any
    carried: Any


def draw(figure: go.Figure, name: str, alt: str, on_click: Callable[[Point], None] | None = None) -> None:
    """A figure in the house style, as wide as its card; `on_click` acts on a point that is clicked."""
    # Streamlit sets a default template when it is imported for charts: each figure would check all of it.
    pio.templates.default = None
    figure = in_house_style(figure, is_clickable=on_click is not None)
    if on_click is None:
        st.plotly_chart(figure, theme=None, config=PLOTLY, key=f"chart_{name}", alt=alt)
        return

    def act(point: Mapping[str, Any]) -> None:
        on_click(Point(point["point_index"], point.get("x"), point.get("customdata")))

    key, clicked = on_next_click(f"chart_{name}", "points", act)
    st.plotly_chart(
        figure, theme=None, config=PLOTLY, key=key, alt=alt, on_select=clicked, selection_mode="points"
    )


def on_next_click(
    name: str, kind: Literal["points", "rows"], act: Callable[[Any], None]
) -> tuple[str, Callable[[], None]]:
    """The key of a chart or table, and what it calls before the page runs: `act`, with what was clicked.

    The key is another one after each click: under the same, what is chosen stays so in every later run and
    cannot be clicked again.
    """
    clicks = st.session_state.get(name, 0)
    key = f"{name}_{clicks}"

    def clicked() -> None:
        for one in st.session_state[key]["selection"][kind][:1]:
            st.session_state[name] = clicks + 1
            act(one)

    return key, clicked


def _csv(whole: Callable[[], pd.DataFrame], head: str) -> bytes:
    return to_csv(whole(), head)


def to_csv(frame: pd.DataFrame, head: str) -> bytes:
    """Figures as they are below a line that says what they are; texts are safe for spreadsheets.

    With the mark by which Excel knows UTF-8.
    """
    # Counts of which some are unknown came as floats.
    whole = frame.convert_dtypes()
    safe = whole.map(lambda value: formula_safe(value) if isinstance(value, str) else value)
    lines = [f"# {head}".replace("\n", " "), safe.to_csv(index=False, lineterminator="\n")]
    return "\n".join(lines).encode("utf-8-sig")


def about(view: View, title: str) -> str:
    """What the figures of a card are, of whom, when, in which units and of which release."""
    told = [title]
    if view.brand:
        told += [view.brand.name, view.named(view.period) if view.period else f"{view.day}"]
        told += [f"{view.text('compare')}: {view.compared()}"] if view.base else []
        told += [view.preset] if not view.period else []
        told.append(view.text("units_of_csv", currency=view.brand.currency))
    if view.release:
        told.append(view.release.release_id)
    return " | ".join(told)


def file_name(view: View, name: str) -> str:
    """Says of what release, brand and day or period the figures are."""
    parts = [name]
    if view.brand:
        looked_at = [view.period.period_id] if view.period else [view.preset, view.day.isoformat()]
        parts += [view.brand.brand_id, *looked_at]
    if view.release:
        parts.append(view.release.release_id)
    return re.sub(r"[^\w.-]", "_", "-".join(parts)) + ".csv"


@dataclass(frozen=True)
class Tile:
    """A figure, its change from `old` in words, sign, arrow and colour, and its recent course.

    `unit` as of `format.figure`, which writes it unless `written` does. `better` says which change is good
    news: `more`, `less` or `neither`. `beside` stands where the change would, if there is nothing to compare
    with.
    """

    label: str
    value: float | None
    note: str
    old: float | None = None
    unit: str = "count"
    written: Callable[[float | None], str] | None = None
    better: str = "more"
    against: str = ""
    beside: str | None = None
    course: Iterable[float] = ()

    def shown(self, value: float | None) -> str:
        """A value of this figure as it is written."""
        return self.written(value) if self.written else figure(value, self.unit)


def tiles(name: str, shown: Sequence[Tile]) -> None:
    """Tiles in a row."""
    with st.container(key=f"tiles_{name}"):
        columns = st.columns(len(shown), gap="small")
    for place, tile in zip(columns, shown, strict=True):
        change, delta = None, tile.beside
        if is_known(tile.old) and is_known(tile.value):
            change = tile.value - tile.old
            delta = written_change(tile.value, tile.old, tile.unit)
        line = [float(point) for point in tile.course]
        with place.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.metric(
                tile.label,
                tile.shown(tile.value),
                delta,
                delta_color=colour_of(tile),
                delta_arrow="off" if not change else "up" if change > 0 else "down",
                delta_description=tile.against if delta else None,
                help=tile.note,
            )
            # The chart of `st.metric` has no name for screen readers, and loads a library of its own.
            if len(line) > 1:
                first_to_last = f"{tile.label}: {tile.shown(line[0])} → {tile.shown(line[-1])}"
                st.image(course(line, COURSE_COLOURS[colour_of(tile)]), width="stretch", alt=first_to_last)


def written_change(value: float, old: float, unit: str) -> str:
    """How much more or less than before: shares in percentage points, counts also in persons or rows."""
    if unit == "share":
        return points(value - old)
    share = signed_percent(relative(value, old))
    return f"{signed(value - old)} ({share})" if unit == "count" else share


def colour_of(tile: Tile) -> Literal["gray", "green", "red"]:
    """Grey for a change that is neither good nor bad, or too small to speak of."""
    if tile.better == "neither" or not is_notable(tile.value, tile.old):
        return "gray"
    is_more = (tile.value or 0) > (tile.old or 0)
    return "green" if is_more == (tile.better == "more") else "red"


@dataclass(frozen=True)
class Chip:
    """A word in a table on a coloured ground."""

    words: str
    kind: str

    def __str__(self) -> str:
        return f'<span class="chip {escape(self.kind)}">{escape(self.words)}</span>'


@dataclass(frozen=True)
class Swatch:
    """A name beside its colour."""

    words: str
    colour: str

    def __str__(self) -> str:
        return f'<span class="swatch" style="background:{self.colour}"></span>{escape(self.words)}'


def table(
    view: View,
    heads: Sequence[str | Swatch],
    rows: Iterable[Sequence[object]],
    *,
    numeric: Iterable[int] = (),
    wide: Iterable[int] = (),
    total: bool = False,
    caption: str = "",
    button: int | None = None,
    show: Callable[[str], object] = st.html,
) -> None:
    """A plain table of texts that any reader of screens understands, under heads of the table of texts.

    `numeric` columns stand to the right, `wide` ones break their lines, also within a table's name; with
    `total` the last row is a sum. Cells of column `button` are buttons; `show` puts the table on the page.
    """
    kinds = dict.fromkeys(numeric, "n") | dict.fromkeys(wide, "w")

    def head(words: str | Swatch, kind: str) -> str:
        told = _cell(view.text(words) if isinstance(words, str) else words, kind == "w")
        return f'<th scope=col class="{kind}">{told}</th>'

    def cell(value: object, at: int) -> str:
        kind = kinds.get(at, "")
        told = _cell(value, kind == "w")
        return f'<td class="{kind}">{f"<button>{told}</button>" if at == button else told}</td>'

    lines = ["<tr>" + "".join(cell(value, at) for at, value in enumerate(row)) + "</tr>" for row in rows]
    if total and lines:
        lines[-1] = lines[-1].replace("<tr>", '<tr class="total">', 1)
    told = "".join(head(words, kinds.get(at, "")) for at, words in enumerate(heads))
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    show(
        f'<div class="scroll" tabindex="0"><table class="figures">{named}'
        f"<thead><tr>{told}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def choose_row(
    view: View,
    name: str,
    heads: Sequence[str | Swatch],
    rows: Iterable[Sequence[object]],
    on_click: Callable[[int], None],
    *,
    numeric: Iterable[int] = (),
    opens: int = 0,
) -> None:
    """A table as of `table`; `on_click` acts on the number of a row that is clicked, before the page runs.

    What a row opens is named in column `opens`.
    """
    key = f"rows_{name}"

    def clicked() -> None:
        if (row := st.session_state[key]["row"]) is not None:
            on_click(row)

    def show(html: str) -> None:
        ROWS(key=key, data=html, on_row_change=clicked)

    table(view, heads, rows, numeric=numeric, button=opens, show=show)


def _cell(cell: object, is_wide: bool) -> str:
    if isinstance(cell, Chip | Swatch):
        return str(cell)
    words = escape(str(cell))
    return words.replace("_", "_<wbr>") if is_wide else words


def empty_state(title: str, words: str, command: str = "", *, mark: str = "○") -> None:
    """A calm box with a sign, a title, a sentence and a command to copy: what is missing, why, what to do."""
    code = f"<code>{escape(command)}</code>" if command else ""
    st.html(
        f'<div class="empty-state" role="status"><div class="mark" aria-hidden="true">{mark}</div>'
        f"<div><strong>{escape(title)}</strong><p>{escape(words)}</p>{code}</div></div>"
    )


def nothing(view: View, key: str, **values: object) -> None:
    """A card's content when the filters leave no row."""
    empty_state(view.text("empty_title"), view.text(key, **values))


def stop_without_release(view: View) -> Brand:
    """The brand that is looked at; a page that needs a release ends here without one."""
    if view.brand is not None:
        return view.brand
    if view.problem is not None:
        empty_state(view.text("damaged_title"), view.problem, "aipl rollback", mark="!")
    elif view.release is None:
        empty_state(view.text("no_release_title"), view.text("no_release"), "aipl run")
    else:
        empty_state(view.text("no_brand_title"), view.text("no_brand"))
    st.stop()
