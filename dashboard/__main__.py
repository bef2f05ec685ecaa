"""Start the dashboard: `python -m dashboard`, with options of `streamlit run` if need be."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit.web.cli
from streamlit.logger import set_log_level
from streamlit.testing.v1 import AppTest

if __name__ == "__main__":
    app = Path(__file__).with_name("app.py")
    # Streamlit would warn that this is no server yet, and below that it has read its options before.
    set_log_level("ERROR")
    # A visit by nobody: what takes long to import and to open is there before somebody waits for it.
    AppTest.from_file(app, default_timeout=600).run()
    # The run has set the level of the options, which the server sets again.
    set_log_level("ERROR")
    sys.argv = ["streamlit", "run", str(app), *sys.argv[1:]]
    streamlit.web.cli.main()
