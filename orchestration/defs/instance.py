"""Dagster's own home, below ours: run history that outlives the process, and no telemetry."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

# A failure is compared with earlier ones; how a good night went is asked for some weeks.
KEPT_RUNS, KEPT_FAILED_RUNS = timedelta(days=30), timedelta(days=90)
# Sensors look ten thousand times a day, and nearly always find nothing to do.
KEPT_IDLE_TICKS = timedelta(days=1)

# The release is held against its freshness policy. Monitoring ends runs that never start or stop; the sensor
# dead_runs ends those that died on the way, and the sensor arrivals starts them again. One run at a time,
# since there is one writer.
DAEMON_CONFIG = f"""\
telemetry:
  enabled: false
nux:
  enabled: false
freshness:
  enabled: true
run_monitoring:
  enabled: true
concurrency:
  runs:
    max_concurrent_runs: 1
retention:
  schedule:
    purge_after_days: {KEPT_FAILED_RUNS.days}
  sensor:
    purge_after_days:
      skipped: {KEPT_IDLE_TICKS.days}
      started: {KEPT_RUNS.days}
      success: {KEPT_RUNS.days}
      failure: {KEPT_FAILED_RUNS.days}
"""

# The command line keeps the output of a run in a log file of its own, and its process lives for one run.
CLI_CONFIG = (
    DAEMON_CONFIG
    + """\
compute_logs:
  module: orchestration.compat.dagster_event_log
  class: NoOpComputeLogManager
event_log_storage:
  module: orchestration.compat.dagster_event_log
  class: OpenEventLog
  config:
    base_dir: {event_log}
"""
)


def prepare_dagster_home(dagster_home: Path) -> None:
    """Write Dagster's settings, `dagster.yaml` for its services and `aipl.yaml` for runs of the command line.

    This process, and those that it starts, use them from now on.
    """
    dagster_home.mkdir(parents=True, exist_ok=True)
    # Where Dagster's services look for it.
    cli_config = CLI_CONFIG.format(event_log=json.dumps(str(dagster_home / "history" / "runs")))
    for name, content in (("dagster.yaml", DAEMON_CONFIG), ("aipl.yaml", cli_config)):
        path = dagster_home / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
