"""Releases and rollbacks as text, for `aipl releases` and `aipl rollback`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.publish.query import Result
from orchestration.publish.releases import (
    Rollback,
    created_at,
    current_id,
    find_folder,
    find_release,
    read_release,
    release_folders,
    require_current_id,
    rollback_in_force,
)

COLUMNS = ["release", "age", "state", "build", "horizon", "rows", "restated", "MB"]


def listed_releases(settings: Settings, now: datetime | None = None) -> Result:
    """One row per release, newest first; `horizon` is the latest, `restated` counts ledger entries."""
    now, current, last = now or datetime.now(UTC), current_id(settings), rollback_in_force(settings)
    withdrawn = last.withdrawn if last else {}
    rows = []
    for folder in release_folders(settings):
        state = "current" if folder.name == current else "withdrawn" if folder.name in withdrawn else None
        rows.append((folder.name, _age(now - created_at(folder.name)), *_facts(folder, state), _size(folder)))
    return Result(COLUMNS, rows, None)


def rollback_lines(settings: Settings) -> list[str]:
    """What a rollback in force means for users and operators; empty without one."""
    last = rollback_in_force(settings)
    return rollback_lines_of(last) if last else []


def rollback_lines_of(last: Rollback) -> list[str]:
    """What a rollback took back, what ends it and what undoes it; nothing where it took nothing back."""
    if not last.withdrawn:
        return []
    taken_back = ", ".join(sorted(last.withdrawn, reverse=True))
    return [
        f"{last.told}; withdrawn: {taken_back}.",
        "  The same content is not published again; new data, rules or sources are, with the next run.",
        f"  To undo it: `aipl rollback {max(last.withdrawn)}`.",
    ]


def told_rollback(done: Rollback) -> list[str]:
    """What was done, and the state after it."""
    return [f"Release {done.to_release} is current; its checksums are verified.", *rollback_lines_of(done)]


def compared(settings: Settings, before: str | None, after: str | None) -> tuple[Path, Path]:
    """Folders of two releases: the current one where `after` is not named, the one it followed for `before`.

    Raises InputError for a release that is not there.
    """
    new = find_release(settings, after or require_current_id(settings))
    old = before or new.manifest.get("previous_release_id")
    if old is None:
        raise InputError(
            f"Release {new.release_id} is the first, so there is no earlier one to compare with."
        )
    return find_folder(settings, old), new.folder


def _facts(folder: Path, state: str | None) -> tuple[Any, ...]:
    release = read_release(folder)
    if release is None:
        return (f"{state}, damaged" if state else "damaged", None, None, None, None)
    manifest = release.manifest
    horizon = max((day for day in manifest["horizon"].values() if day), default=None)
    restated = manifest.get("restated")
    return (
        state,
        manifest["build_id"][:8],
        horizon,
        sum(manifest["rows"].values()),
        None if restated is None else sum(restated.values()),
    )


def _size(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1)


def _age(age: timedelta) -> str:
    hours, minutes = divmod(max(int(age.total_seconds()), 0) // 60, 60)
    days, hours_left = divmod(hours, 24)
    return f"{days} d {hours_left} h" if days else f"{hours} h {minutes} min"
