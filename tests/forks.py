"""Processes forked from one that has imported whatever takes long.

Python keeps one such process, and the last list it was given, for all tests that one process runs: the list
stands here, whoever forks.
"""

from __future__ import annotations

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        "numpy",
        "orchestration.cli",
        "orchestration.lib.arrival.receive",
        "orchestration.lib.build.around_dbt",
        "orchestration.lib.erasure.erase",
        "orchestration.lib.publish.query",
        "orchestration.lib.publish.release",
    ]
)
