"""The tiny project as a code location, for Dagster's daemon: its home is in `AIPL_TINY_HOME`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from unit.publish_home import HomeSettings
from verdicts import verdict

from orchestration.defs import orphaned_runs
from orchestration.defs.automation import nightly
from orchestration.defs.composition import build_definitions
from orchestration.publish import release
from orchestration.quality import mart_gate

mart_gate.run_marts = lambda *_, **__: verdict("dim_brand")
# A test need not wait a minute for a run that it killed itself, only until one that starts has the lock.
orphaned_runs.SILENT_SECONDS = 15.0
nightly.EVERY_SECONDS = 1
home = Path(os.environ["AIPL_TINY_HOME"])
write_release = release.write_release


def write_slowly(*arguments: Any, **more: Any) -> None:
    """Write a release, and do not come to an end of it while somebody waits for that."""
    write_release(*arguments, **more)
    while (home / "publish-slowly").exists():
        (home / "publish-slowly").write_text("written")
        time.sleep(0.1)


release.write_release = write_slowly
defs = build_definitions(HomeSettings(home, home / "sources.yml", home / "alerts.yml"))
