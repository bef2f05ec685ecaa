"""Releases as a table, for `aipl releases`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.core.settings import Settings
from orchestration.publish.query import Result
from orchestration.publish.releases import created_at, current_id, read_release, release_folders
from orchestration.publish.rollback import rollback_in_force

COLUMNS = ["release", "age", "state", "build", "horizon", "rows", "restated", "MB"]


def listed_releases(settings: Settings, now: datetime | None = None) -> Result:
    """One row per release, newest first; `horizon` is the latest, `restated` counts ledger entries."""
    now, current, last = now or datetime.now(UTC), current_id(settings), rollback_in_force(settings)
    withdrawn = last.withdrawn if last else {}
    rows = []
    for folder in release_folders(settings):
        state = "current" if folder.name == current else "withdrawn" if folder.name in withdrawn else None
        facts: tuple[Any, ...] = (None, None, None, None)
        if release := read_release(folder):
            facts = _facts(release.manifest)
        else:
            state = f"{state}, damaged" if state else "damaged"
        size = round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1)
        rows.append((folder.name, _age(now - created_at(folder.name)), state, *facts, size))
    return Result(COLUMNS, rows)


def _facts(manifest: dict[str, Any]) -> tuple[Any, ...]:
    horizon = max((day for day in manifest["horizon"].values() if day), default=None)
    restated = manifest["restated"]
    count = None if restated is None else sum(restated.values())
    return manifest["build_id"][:8], horizon, sum(manifest["rows"].values()), count


def _age(age: timedelta) -> str:
    hours, minutes = divmod(max(int(age.total_seconds()), 0) // 60, 60)
    days, hours_left = divmod(hours, 24)
    return f"{days} d {hours_left} h" if days else f"{hours} h {minutes} min"
