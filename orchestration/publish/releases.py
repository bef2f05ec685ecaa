"""The kept releases: which there are, which one is current, and whether their files are whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestration.build.fingerprint import digest
from orchestration.core.atomic import flush_to_disk
from orchestration.core.errors import EnvironmentStop, InputError, QualityStop
from orchestration.core.files import sha256
from orchestration.core.settings import Settings
from orchestration.core.versions import require_known

UNFINISHED = ".unfinished-"
SHOWN = 10
SEAL = "manifest_sha256"
RELEASE_FORMAT = 2


@dataclass(frozen=True)
class Release:
    """A published release: its folder and its manifest; `is_new` when this call made it current."""

    folder: Path
    manifest: dict[str, Any]
    is_new: bool = False

    @property
    def release_id(self) -> str:
        """Name of the folder; sorts by time."""
        return self.folder.name

    @property
    def notes(self) -> Path:
        """What the release changed, for a person."""
        return self.folder / "notes.md"


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


def decided_through(settings: Settings) -> int | None:
    """The last decision about loads that the current release holds; None where it does not say so."""
    current = read_current(settings)
    return current.manifest.get("decided_through") if current else 0


def require_current(settings: Settings) -> Release:
    """The current release. Raises InputError that says why there is none, else what `read_current` does."""
    current = read_current(settings)
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
    return Release(folder, manifest) if isinstance(manifest, dict) else None


def list_releases(settings: Settings) -> list[Release]:
    """All finished releases with a readable manifest, newest first."""
    return [release for folder in release_folders(settings) if (release := read_release(folder))]


def find_folder(settings: Settings, release_id: str | None) -> Path:
    """Folder of a release, damaged or not, by default of the current one.

    Raises InputError that lists the ones there are.
    """
    release_id = release_id or current_id(settings)
    if release_id is None:
        raise InputError(why_none_is_current(settings))
    folders = {folder.name: folder for folder in release_folders(settings)}
    if release_id not in folders:
        names = ", ".join(list(folders)[:SHOWN]) or "none yet"
        raise InputError(f"There is no release {release_id}. The newest are: {names}.")
    return folders[release_id]


def find_release(settings: Settings, release_id: str | None) -> Release:
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


def created_at(release_id: str) -> datetime:
    """When a release was published, by its name."""
    return datetime.strptime(release_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with the checksum of its own content added."""
    said = {key: value for key, value in manifest.items() if key != SEAL}
    return {**said, SEAL: digest(json.dumps(said, sort_keys=True))}


def damages(folder: Path, release_id: str | None = None) -> list[str]:
    """One line per damaged, missing or unexpected file; empty when the release is intact.

    The folder is named as the release unless `release_id` is given. The checksums of a damaged manifest are
    not believed.
    """
    release = read_release(folder)
    if release is None:
        return [f"{folder / 'manifest.json'} cannot be read"]
    manifest = release.manifest
    if manifest.get("release_id") != (release_id or folder.name) or manifest != sealed(manifest):
        return [f"{folder / 'manifest.json'} is not what was published"]
    found = []
    for name, checksum in manifest["sha256"].items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif sha256(path) != checksum:
            found.append(f"{path} is not what was published")
    strange = {path.name for path in folder.iterdir()} - {*manifest["sha256"], "manifest.json"}
    return found + [f"{folder / name} was never part of it" for name in sorted(strange)]


def verify(folders: Iterable[Path]) -> None:
    """Compare every file of some releases with what was published.

    Raises QualityStop that names each damaged, missing or strange file, and what to do.
    """
    if found := [damage for folder in folders for damage in damages(folder)]:
        lines = "\n  ".join(found)
        raise QualityStop(
            f"Damaged:\n  {lines}\nRestore these files from the backup, or go back to another release: "
            "`aipl rollback`. See docs/runbooks/restore.md."
        )


def require_whole(folder: Path, release_id: str, remedy: str) -> None:
    """Read a release again before something is built upon it. Raises EnvironmentStop when it is damaged."""
    if found := damages(folder, release_id):
        raise EnvironmentStop(f"Release {release_id} is damaged: {'; '.join(found)}. {remedy}")
