"""Processes forked from one that has imported whatever takes long.

Python keeps one such process, and the last list it was given, for all tests that one process runs: the list
stands here, whoever forks.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from multiprocessing.context import ForkServerProcess

# As the program tells its dbt; read once, when the library is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        # Before dbt, as the program imports it.
        "orchestration.defs.composition",
        "dbt.adapters.duckdb",
        "dbt.cli.main",
        "expectations.validation",
        "great_expectations.expectations",
        "numpy",
        "orchestration.cli",
        "orchestration.arrival.receive",
        "orchestration.build.around_dbt",
        "orchestration.nightly.erasing.erase",
        "orchestration.publish.query",
        "orchestration.publish.release",
        "statsmodels.tsa.exponential_smoothing.ets",
    ]
)


class Forked(ForkServerProcess):
    """A process in which what was imported before the fork is no garbage to look for."""

    def run(self) -> None:
        """Do what it is for."""
        gc.freeze()
        super().run()


PROCESSES.Process = Forked
