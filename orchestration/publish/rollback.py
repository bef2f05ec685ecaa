"""Make an earlier release current again."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from orchestration.core.errors import InputError
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.publish.releases import (
    Release,
    Rollback,
    current_id,
    find_release,
    list_releases,
    point_to,
    read_release,
    remember,
    require_pointer,
    why_none_is_current,
)
from orchestration.publish.verify import damages, verify


def rollback(
    settings: Settings,
    release_id: str | None = None,
    now: datetime | None = None,
    *,
    wait_seconds: float = 0,
    say: Callable[[str], None] | None = None,
) -> Rollback:
    """Make a release current again, by default the previous one, without disturbing readers.

    The builds of the releases after it are not published again until something new is built, but for damaged
    ones, which are to be made anew. A run that holds the lock is waited for so long, and `say` is told of it.

    Raises:
        InputError: there is nothing to go back to, or another process is writing.
        QualityStop: a file of that release is damaged.
        EnvironmentStop: something else is in place of the pointer.
    """
    with writer_lock(settings.home, wait_seconds=wait_seconds, say=say):
        require_pointer(settings)
        current = current_id(settings)
        target = find_release(settings, release_id) if release_id else _before(settings, current)
        if target.release_id == current:
            raise InputError(f"Release {current} is already current.")
        verify([target.folder])
        done = Rollback(
            at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
            from_release=current or "",
            to_release=target.release_id,
            withdrawn={
                release.release_id: release.manifest["build_id"]
                for release in list_releases(settings)
                if release.release_id > target.release_id
                and release.manifest["build_id"] != target.manifest["build_id"]
                and not damages(release.folder)
            },
            by=_account(),
        )
        remember(settings, done)
        point_to(settings, target.folder)
        return done


def _account() -> str:
    """Name of the account that runs this program, or empty if unknown."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _before(settings: Settings, current: str | None) -> Release:
    """The predecessor of the current release, or the newest intact older one if that is unknown."""
    if current is None:
        raise InputError(why_none_is_current(settings))
    folder = settings.published / "releases" / current
    if release := read_release(folder):
        previous = _readable(folder.parent, release.manifest.get("previous_release_id"))
    else:
        older = (release for release in list_releases(settings) if release.release_id < current)
        previous = next((release for release in older if not damages(release.folder)), None)
    if previous is None:
        raise InputError(
            f"There is no release before {current} to go back to. `aipl releases` lists those that are kept."
        )
    return previous


def _readable(releases: Path, release_id: str | None) -> Release | None:
    return read_release(releases / release_id) if release_id else None
