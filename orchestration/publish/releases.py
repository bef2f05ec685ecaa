"""The kept releases: which one is current, and which a rollback withdrew.

`rollbacks.json` lists every rollback. The last one counts only while `current` names the release that it went
back to: one that was killed before it moved the pointer does not count, and the next publication ends it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.build.state import content_of
from orchestration.core.atomic import flush_to_disk
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.files import write_json
from orchestration.core.settings import Settings
from orchestration.core.versions import FORMAT, require_known

UNFINISHED = ".unfinished-"
SHOWN = 10
# Format 1 had no number: releases of version 0.1.0, some of them without a ledger and notes.
RELEASE_FORMAT = 2
# Format 1 was the bare list, without who did it.
ROLLBACKS_FORMAT = 2


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


@dataclass(frozen=True)
class Rollback:
    """A rollback: when (ISO, UTC), from which release, to which one, and what it withdrew.

    `withdrawn` are the build ids, by release, of the whole releases after the one it went to; `by` is the
    account that asked for it, empty where that is not known.
    """

    at: str
    from_release: str
    to_release: str
    withdrawn: dict[str, str]
    by: str = ""

    @property
    def is_back(self) -> bool:
        """Whether it made an older release current, as opposed to undoing another rollback."""
        return bool(self.withdrawn) or self.to_release < self.from_release

    @property
    def told(self) -> str:
        """When it was done, by whom, from where and to where."""
        by = f" by {self.by}" if self.by else ""
        return f"Rolled back at {self.at}{by} from {self.from_release or 'none'} to {self.to_release}"


def read_current(settings: Settings) -> Release | None:
    """The current release, None before the first. Raises EnvironmentStop when its manifest is damaged."""
    pointer = settings.published / "current"
    if not pointer.exists():
        return None
    folder = pointer.resolve()
    release = read_release(folder)
    if release is None:
        raise EnvironmentStop(
            f"The current release is damaged: {folder / 'manifest.json'} cannot be read. Restore it from"
            " the backup, or go back to the previous release: `aipl rollback`. See docs/runbooks/restore.md."
        )
    return release


def require_current(settings: Settings) -> Release:
    """The current release. Raises InputError that says why there is none, else what `read_current` does."""
    current = read_current(settings)
    if current is None:
        raise InputError(why_none_is_current(settings))
    return current


def require_current_id(settings: Settings) -> str:
    """Name of the current release, damaged or not. Raises InputError if there is none, saying why."""
    current = current_id(settings)
    if current is None:
        raise InputError(why_none_is_current(settings))
    return current


def why_none_is_current(settings: Settings) -> str:
    """Why there is no current release, and the command that fixes it."""
    folders = release_folders(settings)
    if not folders:
        return f"There is no release in {settings.published} yet. Run `aipl run` first."
    pointer = settings.published / "current"
    lost = f"names {pointer.readlink()}, which is gone" if pointer.is_symlink() else "is gone"
    names = ", ".join(folder.name for folder in folders[:SHOWN])
    more = f" and {len(folders) - SHOWN} older" if len(folders) > SHOWN else ""
    return (
        f"No release is current: {pointer} {lost}. There are {names}{more}. `aipl run` mends it: it reads the"
        " newest whole one again that no rollback took back. docs/runbooks/restore.md says more."
    )


def current_id(settings: Settings) -> str | None:
    """Name of the current release, damaged or not; None before the first."""
    pointer = settings.published / "current"
    return pointer.resolve().name if pointer.exists() else None


def release_folders(settings: Settings) -> list[Path]:
    """Folders of all finished releases, newest first."""
    return sorted((settings.published / "releases").glob("[0-9]*"), reverse=True)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a release. Raises EnvironmentStop when a newer program published it."""
    path = folder / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text())
    require_known(path, manifest, RELEASE_FORMAT)
    return manifest


def read_release(folder: Path) -> Release | None:
    """The release in a folder; None when its manifest is gone or damaged.

    Raises EnvironmentStop when a newer program published it.
    """
    try:
        manifest = read_manifest(folder)
    except (OSError, ValueError):
        return None
    return Release(folder, manifest, is_new=False) if isinstance(manifest, dict) else None


def list_releases(settings: Settings) -> list[Release]:
    """All finished releases with a readable manifest, newest first."""
    return [release for folder in release_folders(settings) if (release := read_release(folder))]


def find_folder(settings: Settings, release_id: str) -> Path:
    """Folder of a release. Raises InputError that lists the ones there are."""
    folders = {folder.name: folder for folder in release_folders(settings)}
    if release_id not in folders:
        names = ", ".join(list(folders)[:SHOWN]) or "none yet"
        raise InputError(f"There is no release {release_id}. The newest are: {names}.")
    return folders[release_id]


def find_release(settings: Settings, release_id: str) -> Release:
    """A release by its id. Raises InputError for one that is not there, or whose manifest is damaged."""
    folder = find_folder(settings, release_id)
    if release := read_release(folder):
        return release
    raise InputError(f"{folder / 'manifest.json'} cannot be read. See docs/runbooks/restore.md.")


def point_to(settings: Settings, folder: Path) -> None:
    """Make a release current with one rename. The caller must hold the writer lock."""
    aside = settings.published / f"{UNFINISHED}current"
    aside.unlink(missing_ok=True)
    aside.symlink_to(folder.relative_to(settings.published))
    aside.replace(settings.published / "current")
    flush_to_disk(settings.published)


def require_pointer(settings: Settings) -> None:
    """Raises EnvironmentStop when something else is in place of the symlink `current`."""
    pointer = settings.published / "current"
    if pointer.exists() and not pointer.is_symlink():
        raise EnvironmentStop(f"{pointer} is no link to a release. Move it away, then run `aipl run` again.")


def rollbacks(settings: Settings) -> list[Rollback]:
    """All rollbacks, the last one last.

    Raises EnvironmentStop when the record of them is damaged, or a newer program wrote it.
    """
    try:
        told = json.loads(_record(settings).read_text())
        require_known(_record(settings), told, ROLLBACKS_FORMAT)
        return [Rollback(**entry) for entry in told["rollbacks"]]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, LookupError) as error:
        raise EnvironmentStop(
            f"{_record(settings)} is damaged: {error}. Restore it from the backup, or move it away: then the"
            " next run may republish what the last rollback withdrew."
        ) from error


def remember(settings: Settings, rollback: Rollback) -> None:
    """Add a rollback to the record."""
    entries = [asdict(entry) for entry in [*rollbacks(settings), rollback]]
    write_json(_record(settings), {FORMAT: ROLLBACKS_FORMAT, "rollbacks": entries})


def rollback_in_force(settings: Settings) -> Rollback | None:
    """The last rollback, if its target is still current; None once something new was published."""
    last = next(reversed(rollbacks(settings)), None)
    return last if last and last.to_release == current_id(settings) else None


def withdrawn_release(settings: Settings, build_id: str) -> str | None:
    """The withdrawn release with the content of this build, if there is one.

    A change in which sources are stale does not count as new content.
    """
    last = rollback_in_force(settings)
    builds = last.withdrawn if last else {}
    content = content_of(build_id)
    return next((release for release, build in builds.items() if content_of(build) == content), None)


def created_at(release_id: str) -> datetime:
    """When a release was published, by its name."""
    return datetime.strptime(release_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _record(settings: Settings) -> Path:
    return settings.published / "rollbacks.json"
