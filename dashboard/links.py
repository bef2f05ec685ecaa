"""Choices that live in the URL: a link opens the same view, and the browser goes back to the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st

# In the state of a session: what links asked for in vain, and the choices that a page has written down, as
# a saved view would have them.
_UNKNOWN, _WRITTEN, _SHOWN = "_unknown_choices", "_written_down", "_shown_choices"


def take_over(name: str, options: Collection[str], default: str) -> None:
    """Let the URL lead where it says something new, else what was chosen before, else the default."""
    note_unknown(name, follow(name, lambda asked: asked if asked in options else None))
    chosen = st.session_state.get(name)
    # Set also if it is the same: a widget that another page did not show would forget.
    st.session_state[name] = chosen if chosen in options else default


def follow(name: str, read: Callable[[str], Any]) -> str | None:
    """Choose what the URL asks for; returns what it asks for in vain, where `read` finds no such thing.

    A page that is opened by a link and one that the browser goes back to are the same: the URL differs from
    what was last written there.
    """
    asked = st.query_params.get(name)
    if asked is None or asked == st.session_state.get(f"_url_{name}"):
        return None
    if (wanted := read(asked)) is None:
        return asked
    st.session_state[name] = wanted
    return None


def note_unknown(name: str, asked: str | None) -> None:
    """Remember what a link asks for in vain, if anything, until it is told."""
    if asked is not None:
        st.session_state.setdefault(_UNKNOWN, {})[name] = asked


def unknown_choices() -> dict[str, str]:
    """What the link asked for in vain, by name; told once."""
    unknown: dict[str, str] = st.session_state.pop(_UNKNOWN, {})
    return unknown


def write_down(name: str, value: str, *, default: str | None = None, latest: str | None = None) -> None:
    """Put a choice into the URL; the default needs none.

    `latest` is what a link would say that follows the data, where the choice is the newest of them.
    """
    if value == default:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
    st.session_state[f"_url_{name}"] = value
    st.session_state.setdefault(_WRITTEN, {})[name] = (value, latest or value)


def begin_page() -> None:
    """Keep the choices of the last run: a saved view is what was on the screen when it was saved."""
    st.session_state[_SHOWN] = st.session_state.pop(_WRITTEN, {})


def shown_choices(*, following: bool) -> dict[str, str]:
    """All choices that were shown, defaults too; `following` the data where they were the newest."""
    shown: dict[str, tuple[str, str]] = st.session_state.get(_SHOWN, {})
    return {name: told[following] for name, told in shown.items()}
