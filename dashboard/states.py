"""What a page shows where it has nothing to show: what is missing, why, and what to do."""

from __future__ import annotations

from html import escape
from typing import NoReturn

import streamlit as st

from dashboard.view import Brand, View


def empty_state(title: str, words: str, command: str = "", *, mark: str = "○") -> None:
    """A calm box with a sign, a title, a sentence and a command to copy."""
    code = f"<code>{escape(command)}</code>" if command else ""
    st.html(
        f'<div class="empty-state" role="status"><div class="mark" aria-hidden="true">{mark}</div>'
        f"<div><strong>{escape(title)}</strong><p>{escape(words)}</p>{code}</div></div>"
    )


def nothing(view: View, key: str, **values: object) -> None:
    """A card's content when the filters leave no row."""
    empty_state(view.text("empty_title"), view.text(key, **values))


def unreadable(view: View, error: Exception) -> None:
    """A part that could not be read; the rest of the page goes on."""
    empty_state(view.text("unreadable_title"), str(error), mark="!")


def stop_without_release(view: View) -> Brand:
    """The brand that is looked at; a page that needs a release ends here without one."""
    if view.problem is not None:
        empty_state(view.text("damaged_title"), view.problem, "aipl rollback", mark="!")
        _stop()
    if view.opened is None:
        empty_state(view.text("no_release_title"), view.text("no_release"), "aipl run")
        _stop()
    if view.brand is None:
        empty_state(view.text("no_brand_title"), view.text("no_brand"))
        _stop()
    return view.brand


def _stop() -> NoReturn:
    st.stop()
    raise AssertionError("a page goes on after its end")
