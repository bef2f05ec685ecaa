"""Delete old releases; the ledger of the remaining ones still covers them."""

from __future__ import annotations

from datetime import datetime, timedelta
from shutil import rmtree

from orchestration.core.atomic import flush_to_disk
from orchestration.core.settings import Settings
from orchestration.publish.releases import (
    UNFINISHED,
    created_at,
    current_id,
    list_releases,
    release_folders,
)
from orchestration.publish.rollback import rollback_in_force, rollbacks

# A reader that asked for the current release a while ago still opens its files.
GRACE = timedelta(days=1)


def retire(settings: Settings, now: datetime) -> list[str]:
    """Delete what is older than the newest `kept_releases`; returns the ids that are gone.

    Whatever was current within a day before `now` stays, and so do the current release, the one before it,
    and what a rollback that is in force took back. The caller must hold the writer's lock.
    """
    folders, current, last = release_folders(settings), current_id(settings), rollback_in_force(settings)
    followed = {
        release.release_id: release.manifest.get("previous_release_id") for release in list_releases(settings)
    }
    # A release ceases to be current by a later one or by a rollback.
    left = [(previous, created_at(release)) for release, previous in followed.items()]
    left += [(entry.from_release, datetime.fromisoformat(entry.at)) for entry in rollbacks(settings)]
    kept: set[str | None] = {folder.name for folder in folders[: settings.kept_releases]}
    kept |= {name for name, moment in left if moment > now - GRACE}
    kept |= {current, followed.get(current or "")}
    if last:
        kept |= {last.from_release, *last.withdrawn}
    gone = [folder for folder in folders if folder.name not in kept]
    for folder in gone:
        # Under the name of an unfinished one first: half a release must not look like one after a kill.
        aside = folder.with_name(f"{UNFINISHED}{folder.name}")
        folder.rename(aside)
        rmtree(aside)
    if gone:
        flush_to_disk(settings.published / "releases")
    return [folder.name for folder in gone]
