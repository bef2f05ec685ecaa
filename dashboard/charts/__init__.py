"""From frames to Plotly figures: pure functions that know neither release nor page."""
