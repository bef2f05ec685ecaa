"""Landing: dumps as delivered, stored by checksum; altered only to remove erased people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orchestration.arrival import limits
from orchestration.arrival.file_versions import FileVersion
from orchestration.arrival.readers import UnreadableDump
from orchestration.core.atomic import naming
from orchestration.core.settings import Settings

CHUNK = 1 << 20
INCOMING = ".incoming"


@dataclass(frozen=True)
class Landed:
    """A landed dump: its path, its SHA-256 and its size in bytes."""

    path: Path
    sha256: str
    size: int

    @property
    def unflushed(self) -> list[Path]:
        """The file and its parent folders, which may not be on disk yet."""
        return [self.path, self.path.parent, self.path.parent.parent]


def landed_path(landing: Path, source_id: str, sha256: str, name: str) -> Path:
    """Path of a landed dump: `landing/<source>/<first 12 digits of its checksum>/<name>`."""
    return landing / source_id / sha256[:12] / name


def landed_copy(settings: Settings, version: FileVersion) -> Path:
    """Path of the landed dump of a file version."""
    return landed_path(settings.landing, version.source_id, version.sha256, version.file)


def check_size(name: str, size: int) -> None:
    """Refuse a dump that is too large to copy. Raises UnreadableDump."""
    if size > limits.FILE_BYTES:
        raise UnreadableDump(
            name,
            f"it has {size:,} bytes or more, and the limit is {limits.FILE_BYTES:,}",
            "It is not read. Deliver it in several files, or compressed.",
        )


def land(
    stream: IO[bytes],
    landing: Path,
    source_id: str,
    name: str,
    take_out: Callable[[Path, str], None] | None = None,
) -> Landed:
    """Copy a dump into landing, counting and hashing it in the same pass; the copy is read-only.

    Callers that rely on it have to flush it first (`Landed.unflushed`).

    Before it is moved into place, `take_out` gets the copy and the checksum of the dump, and may rewrite it.

    Raises:
        UnreadableDump: it is larger than the limit; nothing is left of it.
    """
    incoming = landing / source_id / INCOMING / f"dump{Path(name).suffix}"
    incoming.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    try:
        with naming(incoming), incoming.open("wb") as copy:
            while chunk := stream.read(CHUNK):
                copy.write(chunk)
                digest.update(chunk)
                size += len(chunk)
                check_size(name, size)
        sha256 = digest.hexdigest()
        if take_out:
            take_out(incoming, sha256)
        path = landed_path(landing, source_id, sha256, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming.chmod(0o444)
        incoming.replace(path)
    finally:
        incoming.unlink(missing_ok=True)
    return Landed(path, sha256, size)
