"""From raw dumps to releases: the stages, Dagster's definitions of them, and the command line."""

import os

# The series of forecasts are short: threads of linear algebra would wait for each other ten times as long as
# they work. It is read once, when numpy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
