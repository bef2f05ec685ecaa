"""Delete old releases; the ledger of the remaining ones still covers them."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta

from orchestration.core.atomic import flush_to_disk
from orchestration.core.settings import Settings
from orchestration.publish.releases import (
    UNFINISHED,
    created_at,
    current_id,
    list_releases,
    release_folders,
    rollback_in_force,
    rollbacks,
)

# A reader that asked for the current release a while ago still opens its files.
GRACE = timedelta(days=1)


def retire(settings: Settings, now: datetime) -> list[str]:
    """Delete what is older than the newest `kept_releases`; returns the ids that are gone.

    Whatever was current within a day before `now` stays, and so do the current release, the one before it,
    and what a rollback that is in force took back. Only for whoever holds the writer's lock.
    """
    folders = release_folders(settings)
    kept = {folder.name for folder in folders[: settings.kept_releases]} | _in_use(settings)
    kept |= {release for release, moment in _left_at(settings).items() if moment > now - GRACE}
    gone = [folder for folder in folders if folder.name not in kept]
    for folder in gone:
        # Under the name of an unfinished one first: half a release must not look like one after a kill.
        aside = folder.with_name(f"{UNFINISHED}{folder.name}")
        folder.rename(aside)
        shutil.rmtree(aside)
    if gone:
        flush_to_disk(settings.published / "releases")
    return [folder.name for folder in gone]


def _in_use(settings: Settings) -> set[str]:
    current = current_id(settings)
    before = {
        release.manifest.get("previous_release_id")
        for release in list_releases(settings)
        if release.release_id == current
    }
    last = rollback_in_force(settings)
    taken_back = {last.from_release, *last.withdrawn} if last else set()
    return {name for name in {current, *before, *taken_back} if name}


def _left_at(settings: Settings) -> dict[str, datetime]:
    """When each release ceased to be current, by a later release or a rollback."""
    left: dict[str, datetime] = {}
    ends = [
        (release.manifest.get("previous_release_id"), created_at(release.release_id))
        for release in list_releases(settings)
    ]
    ends += [(entry.from_release, datetime.fromisoformat(entry.at)) for entry in rollbacks(settings)]
    for release_id, moment in ends:
        if release_id:
            left[release_id] = max(moment, left.get(release_id, moment))
    return left
