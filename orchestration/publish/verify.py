"""Verify the files of a release by the checksums in its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestration.build.fingerprint import digest
from orchestration.core.errors import EnvironmentStop, QualityStop
from orchestration.core.files import sha256
from orchestration.publish.releases import read_release

SEAL = "manifest_sha256"


def sealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with the checksum of its own content added."""
    said = {key: value for key, value in manifest.items() if key != SEAL}
    return {**said, SEAL: digest(json.dumps(said, sort_keys=True))}


def damages(folder: Path, release_id: str | None = None) -> list[str]:
    """One line per damaged, missing or unexpected file; empty when the release is intact.

    The folder is named as the release unless `release_id` is given. A manifest from before seals is believed
    where it can be read.
    """
    release = read_release(folder)
    checksums = release.manifest.get("sha256") if release else None
    if release is None or not isinstance(checksums, dict):
        return [f"{folder / 'manifest.json'} cannot be read"]
    found = []
    manifest = release.manifest
    is_another = manifest.get("release_id") != (release_id or folder.name)
    if is_another or (SEAL in manifest and manifest != sealed(manifest)):
        found.append(f"{folder / 'manifest.json'} is not what was published")
    for name, checksum in checksums.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path} is missing")
        elif sha256(path) != checksum:
            found.append(f"{path} is not what was published")
    strange = {path.name for path in folder.iterdir()} - {*checksums, "manifest.json"}
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
