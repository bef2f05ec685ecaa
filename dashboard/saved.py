"""Saved views in the sidebar: open one, save what is shown, remove one."""

from __future__ import annotations

import re
from collections.abc import Mapping

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.data.saved_views import SavedView, can_save, forget_view, read_views, save_view
from dashboard.links import shown_choices
from dashboard.view import View
from orchestration.core.errors import InputError
from orchestration.core.printable import printable

# What would be markup in the label of a link.
MARKUP = re.compile(r"([\\`*_\[\]<>:$~#])")
LONGEST = 60


def saved_views(view: View, page: str, pages: Mapping[str, StreamlitPage]) -> None:
    """The saved views of the home; `page` is the one that is shown, `pages` are all by name."""
    with st.sidebar.expander(view.text("saved_views"), icon=":material/bookmark:"):
        # Opened more often than saved; read after the form, so that what it just saved is among them.
        links = st.container()
        try:
            if can_save(view.settings):
                _save(view, page)
            known = read_views(view.settings)
        except InputError as error:
            st.warning(str(error))
            return
        for name, saved in known.items():
            if saved.page in pages:
                label = MARKUP.sub(r"\\\1", name)
                links.page_link(pages[saved.page], label=label, query_params={**saved.choices})
            else:
                links.caption(view.text("saved_view_of_no_page", name=name, page=saved.page))
        if not known:
            links.caption(view.text("no_saved_views"))


def _save(view: View, page: str) -> None:
    """A form that saves what is shown under a name, or removes what has that name."""
    with st.form("save_view", border=False):
        name = printable(st.text_input(view.text("saved_name"), key="saved_name", max_chars=LONGEST)).strip()
        following = st.checkbox(
            view.text("follow_data"), value=True, key="follow_data", help=view.text("follow_data_help")
        )
        save, remove = st.columns(2)
        is_saved = save.form_submit_button(view.text("save_view"))
        is_removed = remove.form_submit_button(view.text("remove_view"))
    if not name and (is_saved or is_removed):
        st.warning(view.text("saved_name_missing"))
    elif is_saved:
        choices = shown_choices(following=following)
        # Each reader keeps their own language.
        choices.pop("lang", None)
        save_view(view.settings, name, SavedView(page, choices))
    elif is_removed:
        forget_view(view.settings, name)
