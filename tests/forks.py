"""Processes forked from one that has imported whatever takes long.

Python keeps one such process, and the last list it was given, for all tests that one process runs: the list
stands here, whoever forks.
"""

from __future__ import annotations

import multiprocessing
import os

# As the program tells its dbt; read once, when the library is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "dbt.adapters.duckdb",
        "dbt.cli.main",
        "numpy",
        "orchestration.cli",
        "orchestration.arrival.receive",
        "orchestration.build.around_dbt",
        "orchestration.nightly.erasing.erase",
        "orchestration.publish.query",
        "orchestration.publish.release",
    ]
)
