"""The releases that are kept, which of them is current, and which a rollback took back.

`rollbacks.json` lists every rollback. The last one counts only while `current` names the release that it went
back to: a rollback that was killed before it moved the pointer never was, and the next publication ends it.
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
    """A step back: when (ISO, UTC), from which release, to which one, and what it took back.

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
        """Whether people read something older since; not where it undid another rollback."""
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
            f"The current release is damaged: {folder / 'manifest.json'} cannot be read. Put it back from the"
            " backup, or read the release before it: `aipl rollback`. docs/runbooks/restore.md says how."
        )
    return release


def require_current(settings: Settings) -> Release:
    """The current release. Raises InputError that says why there is none, else what `read_current` does."""
    current = read_current(settings)
    if current is None:
        raise InputError(why_none_is_current(settings))
    return current


def require_current_id(settings: Settings) -> str:
    """Name of the current release, be it damaged or not. Raises InputError that says why there is none."""
    current = current_id(settings)
    if current is None:
        raise InputError(why_none_is_current(settings))
    return current


def why_none_is_current(settings: Settings) -> str:
    """Why there is no current release, and the command that mends it."""
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
    """Name of the current release, be it damaged or not; None before the first."""
    pointer = settings.published / "current"
    return pointer.resolve().name if pointer.exists() else None


def release_folders(settings: Settings) -> list[Path]:
    """Folders of all finished releases, the newest first."""
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
    """All finished releases whose manifest can be read, the newest first."""
    return [release for folder in release_folders(settings) if (release := read_release(folder))]


def find_folder(settings: Settings, release_id: str) -> Path:
    """Folder of a release. Raises InputError that lists the ones there are."""
    folders = {folder.name: folder for folder in release_folders(settings)}
    if release_id not in folders:
        names = ", ".join(list(folders)[:SHOWN]) or "none yet"
        raise InputError(f"There is no release {release_id}. The newest: {names}.")
    return folders[release_id]


def find_release(settings: Settings, release_id: str) -> Release:
    """A release by its id. Raises InputError for one that is not there, or whose manifest is damaged."""
    folder = find_folder(settings, release_id)
    if release := read_release(folder):
        return release
    raise InputError(
        f"{folder / 'manifest.json'} cannot be read. docs/runbooks/restore.md says how to put it back."
    )


def point_to(settings: Settings, folder: Path) -> None:
    """Make a release current: one rename. Only for whoever holds the writer's lock."""
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
        entries = told if isinstance(told, list) else told["rollbacks"]
        return [Rollback(**entry) for entry in entries]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, LookupError) as error:
        raise EnvironmentStop(
            f"{_record(settings)} is damaged: {error}. Put it back from the backup, or move it away: then the"
            " next run may publish again what the last rollback took back."
        ) from error


def remember(settings: Settings, rollback: Rollback) -> None:
    """Add a rollback to the record."""
    entries = [asdict(entry) for entry in [*rollbacks(settings), rollback]]
    write_json(_record(settings), {FORMAT: ROLLBACKS_FORMAT, "rollbacks": entries})


def rollback_in_force(settings: Settings) -> Rollback | None:
    """The last rollback, if people read what it went back to; None once something new was published."""
    last = next(reversed(rollbacks(settings)), None)
    return last if last and last.to_release == current_id(settings) else None


def withdrawn_release(settings: Settings, build_id: str) -> str | None:
    """The release with the content of this build that a rollback took back and that stays so; None without.

    A source that became stale meanwhile, or is stale no longer, is nothing new to read.
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
