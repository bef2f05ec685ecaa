"""Choices that live in the URL: a link opens the same view, and the browser goes back to the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import streamlit as st


def take_over(name: str, options: Collection[str], default: str) -> str | None:
    """Let the URL lead where it says something new, else what was chosen before, else the default.

    Returns what the URL asks for and is not among the options, if so.
    """
    stranger = follow(name, lambda asked: asked if asked in options else None)
    chosen = st.session_state.get(name)
    # Set also if it is the same: a widget that another page did not show would forget.
    st.session_state[name] = chosen if chosen in options else default
    return stranger


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


def write_down(name: str, value: str, *, default: str | None = None) -> None:
    """Put a choice into the URL; the default needs none."""
    if value == default:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value
    st.session_state[f"_url_{name}"] = value
