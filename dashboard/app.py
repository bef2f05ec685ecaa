"""The dashboard: navigation, and around every page the frame that says what is looked at.

Started by `make dashboard`. A page is a script below screens/; what it looks at is the session's `view`.
The folder must not be called pages: Streamlit would then run a script of it without this frame.
"""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb
import streamlit as st

from dashboard.frame import choose_language, header, open_view, tell_unknown_choices
from dashboard.links import begin_page
from dashboard.parts import empty_state
from dashboard.saved import saved_views
from dashboard.text import text
from orchestration.core.settings import Settings

# Pages by the heading that they stand below, with their icons.
PAGES = {
    "consumers": {
        "overview": ":material/space_dashboard:",
        "aipl": ":material/filter_alt:",
        "fast": ":material/speed:",
        "person": ":material/person_search:",
    },
    "shop": {
        "trade": ":material/payments:",
        "traffic": ":material/footprint:",
        "products": ":material/inventory_2:",
        "growth": ":material/trending_up:",
    },
    "data": {
        "quality": ":material/verified:",
        "definitions": ":material/menu_book:",
    },
}
# Those below it look at a period, the others at a day.
BY_PERIOD = PAGES["shop"]

# A file: named icons of Streamlit would be fetched from the network for the tab.
ICON = Path(__file__).with_name("icon.svg")

language = choose_language()
st.set_page_config(page_title=text(language, "app_name"), page_icon=ICON, layout="wide")
pages = {
    name: st.Page(
        f"screens/{name}.py",
        title=text(language, f"{name}_page"),
        icon=icon,
        url_path=name,
        default=name == "overview",
    )
    for names in PAGES.values()
    for name, icon in names.items()
}
st.logo(ICON, size="large")
page = st.navigation(list(pages.values()), position="hidden")
with st.sidebar:
    # That of the library is no list that readers of screens understand.
    for group, names in PAGES.items():
        st.caption(text(language, f"{group}_pages"))
        for name in names:
            st.page_link(pages[name])
    st.divider()
name = next(name for name, known in pages.items() if known.url_path == page.url_path)
begin_page()
view = open_view(Settings.from_environment(), language, by_period=name in BY_PERIOD)
if view.release:
    saved_views(view, name, pages)
st.session_state["view"] = view
header(view, view.text(f"{name}_page"), view.text(f"{name}_about"))
unknown = st.container()
with unknown:
    tell_unknown_choices(view)
try:
    page.run()
except duckdb.Error as error:
    logging.getLogger(__name__).exception("page %s", name)
    empty_state(
        view.text("broken_title"),
        view.text("broken", error=str(error).splitlines()[0]),
        "aipl verify",
        mark="!",
    )
# Those of choices that the page itself offers.
with unknown:
    tell_unknown_choices(view)
