"""Start the dashboard: `python -m dashboard`, with options of `streamlit run` if need be."""

from __future__ import annotations

import sys
from pathlib import Path

import streamlit.web.cli

# What takes long to import is there before the first visitor waits for it.
import dashboard.cards
import dashboard.charts.aipl
import dashboard.charts.fast
import dashboard.charts.money
import dashboard.charts.quality
import dashboard.data.quality
import dashboard.frame
import dashboard.saved  # noqa: F401

if __name__ == "__main__":
    app = Path(__file__).with_name("app.py")
    sys.argv = ["streamlit", "run", str(app), *sys.argv[1:]]
    streamlit.web.cli.main()
