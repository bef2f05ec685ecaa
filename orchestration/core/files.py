"""Small state files and checksums."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from orchestration.core.atomic import replacing


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON, so that a reader or a crash never sees half of it."""
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    """Checksum of a file, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
