"""Where the Parquet of a file version lies, and how it is made from landing."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.file_versions import FileVersion
from orchestration.arrival.landing import landed_copy
from orchestration.arrival.readers import Parsed, UnreadableDump, parse_to_parquet
from orchestration.core.files import sha256 as checksum
from orchestration.core.privacy.person_key import require_person_key
from orchestration.core.settings import Settings
from orchestration.sources.table import Table

# Letters that a path or a glob gives a meaning to.
ESCAPED = '/\\*?[]{}%:"<>|'


def parsed_path(root: Path, version: FileVersion) -> Path:
    """Parquet of a file version below `settings.arrivals`, `settings.raw` or `settings.rejects`.

    `<source>/<table>/load_date=YYYY-MM-DD/<file>.<version>.parquet`: two versions never share a name, so that
    a name alone tells whether a folder holds what it should.
    """
    name = "".join(quote(letter, safe="") if letter in ESCAPED else letter for letter in version.file)
    if len(name.encode()) > 200:
        name = sha256(version.file.encode()).hexdigest()
    folder = root / version.source_id / version.table_name / f"load_date={version.load_date.isoformat()}"
    return folder / f"{name}.{version.version}.parquet"


def find_parsed(settings: Settings, version: FileVersion) -> Path | None:
    """Where the Parquet of a readable version is: accepted, else waiting; `None` if it is gone or damaged."""
    places = (parsed_path(settings.raw, version), parsed_path(settings.arrivals, version))
    return next((place for place in places if is_whole(place, version)), None)


def is_whole(path: Path, version: FileVersion) -> bool:
    """Whether a file is there and holds the rows of a version, by its footer alone: a cut file has none."""
    try:
        return int(pq.read_metadata(path).num_rows) == version.row_count
    except (OSError, pa.ArrowInvalid):
        return False


def is_landed(settings: Settings, version: FileVersion) -> bool:
    """Whether landing still has the content of a version, to the byte, but for erased records."""
    return _erased_in_landing(settings, version) is not None


def _erased_in_landing(settings: Settings, version: FileVersion) -> tuple[int, ...] | None:
    """Records that the landed copy of a version lacks since they are erased; `None` where it is not whole."""
    landed = landed_copy(settings, version)
    return version.erased_from(checksum(landed)) if landed.exists() else None


def parse(settings: Settings, version: FileVersion) -> Parsed:
    """Read the landed dump of a version, by the declaration of that version, into arrivals and rejects.

    Whoever relies on `Parsed.files` flushes them first.

    Raises:
        UnreadableDump: it cannot be read as a whole, landing no longer has it, or its salt is gone.
    """
    landed = landed_copy(settings, version)
    erased = _erased_in_landing(settings, version)
    if erased is None:
        how = "no longer matches its checksum" if landed.exists() else "is gone"
        raise UnreadableDump(
            version.file, f"its landed copy {landed} {how}", "Deliver the same dump again, then run again."
        )
    table = Table.declared_as(version.declaration)
    return parse_to_parquet(
        table,
        landed,
        version.file,
        version.load_date,
        parsed=parsed_path(settings.arrivals, version),
        rejects=parsed_path(settings.rejects, version),
        erased=erased,
        salt=_salt(settings, version.file, table) if table.personal else b"",
    )


class HashedOtherwise(UnreadableDump):
    """A version's personal columns are hashed with another person key: a run over its source mends it."""


def _salt(settings: Settings, file: str, table: Table) -> bytes:
    """What the personal columns of a table are hashed with. Raises UnreadableDump when it was another one."""
    key = require_person_key(settings)
    if key.fingerprint != table.salt_fingerprint:
        raise HashedOtherwise(
            file,
            "its personal columns were hashed with another person key",
            "Run `aipl run`, which reads the dump again with the current key, or set the former key.",
        )
    return key.derive("personal columns")


def prune(root: Path, source_id: str, kept: Iterable[Path]) -> None:
    """Remove what a source has below `root` and is not `kept`: old files, leftovers, empty folders."""
    keep = set(kept)
    for path in (root / source_id).rglob("*"):
        if path.is_file() and path not in keep:
            path.unlink()
    for folder in sorted((root / source_id).rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
