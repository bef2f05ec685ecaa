"""Great Expectations suites as code, and the runner that validates them."""

# DuckDB takes a Python that was started without a file, as by `python -c`, for a person's session, and draws
# a bar of long statements on stdout, terminal or not.
NO_BAR = "set enable_progress_bar = false"
