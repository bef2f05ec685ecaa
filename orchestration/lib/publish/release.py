"""Publish the marts of an audited build as a release: copied aside, then swapped in by one rename.

A kill at any point leaves the old release; a reader that has it open keeps it. Releases are never changed.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.lib.atomic import flush_to_disk
from orchestration.lib.build.state import GateRecord, read_build, read_gate
from orchestration.lib.build.warehouse import require_sound_warehouse
from orchestration.lib.errors import EnvironmentStop, QualityStop
from orchestration.lib.lock import writer_lock
from orchestration.lib.person_key import is_made_with
from orchestration.lib.publish.release_files import write_release
from orchestration.settings import Settings

UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Release:
    """A published release: its folder and its manifest; `is_new` when this call made it current."""

    folder: Path
    manifest: dict[str, Any]
    is_new: bool

    @property
    def release_id(self) -> str:
        """Name of the folder; sorts by time."""
        return self.folder.name

    @property
    def notes(self) -> Path:
        """What the release changed, for a person."""
        return self.folder / "notes.md"


def read_current(settings: Settings) -> Release | None:
    """The current release, None before the first."""
    pointer = settings.published / "current"
    if not pointer.exists():
        return None
    folder = pointer.resolve()
    return Release(folder, json.loads((folder / "manifest.json").read_text()), is_new=False)


def publish(settings: Settings, now: datetime | None = None) -> Release:
    """Make the present build the current release, unless it is that already.

    Raises:
        QualityStop: the build is not finished, or the mart gate did not let this very build through.
        EnvironmentStop: this run has lost the home to another one, or the warehouse turned out to be damaged.
    """
    gate = audited(settings)
    mend_pointer(settings)
    current = read_current(settings)
    if current and is_same(settings, current.manifest, gate.build_id):
        return current
    releases = settings.published / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    _remove_unfinished(settings)
    folder = _find(settings, gate.build_id, current)
    if folder is None:
        created = _after(current, now or datetime.now(UTC))
        release_id = f"{created:%Y%m%dT%H%M%SZ}-{gate.build_id[:8]}"
        aside = releases / f"{UNFINISHED}{release_id}"
        aside.mkdir()
        previous = current.folder if current else None
        try:
            write_release(settings, aside, created, gate, name=release_id, previous=previous)
        except Exception:
            # On a full disk it would take the room that is lacking.
            shutil.rmtree(aside, ignore_errors=True)
            with writer_lock(settings.home):
                require_sound_warehouse(settings)
            raise
        folder = releases / release_id
        with writer_lock(settings.home):
            aside.rename(folder)
        flush_to_disk(releases)
    with writer_lock(settings.home):
        _point(settings.published, folder)
    return Release(folder, json.loads((folder / "manifest.json").read_text()), is_new=True)


def mend_pointer(settings: Settings) -> None:
    """Let `current` name the newest release where it names none: it is lost, or its folder is gone.

    Only for whoever holds the writer's lock. Raises EnvironmentStop when something else is in its place.
    """
    pointer = settings.published / "current"
    if (pointer / "manifest.json").exists():
        return
    if pointer.exists() and not pointer.is_symlink():
        raise EnvironmentStop(f"{pointer} is no link to a release. Move it away, then run `aipl run` again.")
    if releases := sorted(settings.published.glob("releases/[0-9]*/manifest.json")):
        (settings.published / f"{UNFINISHED}current").unlink(missing_ok=True)
        _point(settings.published, releases[-1].parent)


def audited(settings: Settings) -> GateRecord:
    """The verdict under which the present build may be published. Raises QualityStop without one."""
    build, gate = read_build(settings), read_gate(settings)
    if build is None or build.state != "complete":
        raise QualityStop("The warehouse holds no finished build; nothing is published.")
    if gate is None or gate.build_id != build.build_id:
        raise QualityStop("The mart gate has not seen the present build; nothing is published.")
    if not gate.passed:
        raise QualityStop("The mart gate stopped the present build; nothing is published.")
    return gate


def is_same(settings: Settings, manifest: dict[str, Any], build_id: str) -> bool:
    """Whether a release holds a build, its persons called as they would be now."""
    return bool(manifest["build_id"] == build_id) and is_made_with(manifest, settings)


def _find(settings: Settings, build_id: str, current: Release | None) -> Path | None:
    """A release of this build that was finished, but is not current: by a kill, or by a rollback.

    One that followed another release than the current one is not it: its ledger knows nothing of that one.
    """
    previous = current.release_id if current else None
    for folder in sorted(settings.published.glob(f"releases/[0-9]*-{build_id[:8]}"), reverse=True):
        manifest = json.loads((folder / "manifest.json").read_text())
        if is_same(settings, manifest, build_id) and manifest.get("previous_release_id") == previous:
            return folder
    return None


def _after(current: Release | None, now: datetime) -> datetime:
    """The time of a new release, in whole seconds: later than the current one's, whatever the clock says."""
    moment = now.replace(microsecond=0)
    if current is None:
        return moment
    return max(moment, datetime.fromisoformat(current.manifest["created_at"]) + timedelta(seconds=1))


def _remove_unfinished(settings: Settings) -> None:
    for leftover in (settings.published / "releases").glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)
    (settings.published / f"{UNFINISHED}current").unlink(missing_ok=True)


def _point(published: Path, folder: Path) -> None:
    aside = published / f"{UNFINISHED}current"
    aside.symlink_to(folder.relative_to(published))
    aside.replace(published / "current")
    flush_to_disk(published)
