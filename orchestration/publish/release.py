"""Publish the marts of an audited build as a release: copied aside, then swapped in by one rename.

A kill at any point leaves the old release; a reader that has it open keeps it. Releases are never changed.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.build.state import GateRecord, read_build, read_gate
from orchestration.build.warehouse import require_sound_warehouse
from orchestration.core.atomic import flush_to_disk
from orchestration.core.errors import QualityStop
from orchestration.core.lock import writer_lock
from orchestration.core.privacy.person_key import is_made_with
from orchestration.core.settings import Settings
from orchestration.publish.release_files import write_release
from orchestration.publish.releases import (
    UNFINISHED,
    Release,
    created_at,
    damages,
    find_release,
    list_releases,
    point_to,
    read_current,
    release_folders,
    require_pointer,
    require_whole,
)
from orchestration.publish.retention import retire
from orchestration.publish.rollback import rollbacks, withdrawn_release

__all__ = ["Release", "audited", "is_same", "mend_pointer", "publish", "read_current"]


def publish(settings: Settings, now: datetime | None = None) -> Release:
    """Make the present build the current release, unless it is already or a rollback withdrew it.

    Then old releases are retired.

    Raises:
        QualityStop: the build is not finished, or the mart gate did not let this very build through, or not
            what the release adds to it.
        EnvironmentStop: this run has lost the home to another one, the warehouse or the current release is
            damaged, or the disk does not give back what was written.
    """
    gate = audited(settings)
    mend_pointer(settings)
    current = read_current(settings)
    if current and is_same(settings, current.manifest, gate.build_id):
        return current
    if current and withdrawn_release(settings, gate.build_id):
        return current
    now = now or datetime.now(UTC)
    releases = settings.published / "releases"
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in releases.glob(f"{UNFINISHED}*"):
        shutil.rmtree(leftover)
    release = _find(settings, gate.build_id, current) or _make(settings, gate, current, now)
    with writer_lock(settings.home):
        point_to(settings, release.folder)
        retire(settings, now)
    return replace(release, is_new=True)


def mend_pointer(settings: Settings) -> None:
    """If `current` names no release, point it at the newest intact one that no rollback withdrew.

    The caller must hold the writer lock. Raises EnvironmentStop when something else is in its place.
    """
    if (settings.published / "current").exists():
        return require_pointer(settings)
    taken_back = next((entry.withdrawn for entry in reversed(rollbacks(settings))), {})
    for release in list_releases(settings):
        if release.release_id not in taken_back and not damages(release.folder):
            return point_to(settings, release.folder)
    return None


def audited(settings: Settings) -> GateRecord:
    """The gate verdict that allows the present build to be published. Raises QualityStop without one."""
    build, gate = read_build(settings), read_gate(settings)
    if build is None or build.state != "complete":
        raise QualityStop("The warehouse holds no finished build; nothing is published.")
    if gate is None or gate.build_id != build.build_id:
        raise QualityStop("The mart gate has not checked the present build; nothing is published.")
    if not gate.passed:
        raise QualityStop("The mart gate stopped the present build; nothing is published.")
    return gate


def is_same(settings: Settings, manifest: dict[str, Any], build_id: str) -> bool:
    """Whether a release contains a build, hashed with the present person key."""
    return bool(manifest["build_id"] == build_id) and is_made_with(manifest, settings)


def _make(settings: Settings, gate: GateRecord, current: Release | None, now: datetime) -> Release:
    """Write the release of the present build, verify it, and move it next to the others."""
    if current:
        remedy = (
            "It is current, and the next one must be compared with it. Restore these files from the backup,"
            " or go back to the previous release: `aipl rollback`. Then run `aipl run` again."
            " See docs/runbooks/restore.md."
        )
        require_whole(current.folder, current.release_id, remedy)
    created = _after(settings, now)
    release_id = f"{created:%Y%m%dT%H%M%SZ}-{gate.build_id[:8]}"
    releases = settings.published / "releases"
    aside = releases / f"{UNFINISHED}{release_id}"
    aside.mkdir()
    previous = current.folder if current else None
    try:
        write_release(settings, aside, created, gate, name=release_id, previous=previous)
        require_whole(aside, release_id, "The files read back differ from what was written. Check the disk.")
    except Exception:
        # On a full disk it would use the space that is needed.
        shutil.rmtree(aside, ignore_errors=True)
        with writer_lock(settings.home):
            require_sound_warehouse(settings)
        raise
    with writer_lock(settings.home):
        aside.rename(releases / release_id)
    flush_to_disk(releases)
    return find_release(settings, release_id)


def _find(settings: Settings, build_id: str, current: Release | None) -> Release | None:
    """A whole release of this build that was finished, but is not current: by a kill, or by a rollback.

    One that followed another release than the current one is not it: its ledger knows nothing of that one.
    """
    previous = current.release_id if current else None
    for release in list_releases(settings):
        is_after = release.manifest.get("previous_release_id") == previous
        if is_after and is_same(settings, release.manifest, build_id) and not damages(release.folder):
            return release
    return None


def _after(settings: Settings, now: datetime) -> datetime:
    """The time of a new release in whole seconds, later than any other even if the clock went back."""
    moment = now.replace(microsecond=0)
    newest = next(iter(release_folders(settings)), None)
    return max(moment, created_at(newest.name) + timedelta(seconds=1)) if newest else moment
