"""Landed dumps without the records of erased persons."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from orchestration.arrival.erasing.order import add_documents
from orchestration.arrival.erasing.records import Search, find_records, take_out, tells_of_erased
from orchestration.arrival.file_versions import Rewritten
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.readers import UnreadableDump
from orchestration.arrival.readers.base import numbers_among
from orchestration.core.atomic import replacing
from orchestration.core.files import sha256 as checksum
from orchestration.core.privacy.erased import Erased, read_erased, write_erased
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Table


def search_in(erased: Erased, source: Source, table_name: str, declaration: str | None = None) -> Search:
    """The look for erased persons in a table, read as a `declaration` says, by default the present one."""
    declared = source.tables[table_name]
    table = Table.declared_as(declaration) if declaration else declared
    return Search(
        erased, source.source_id, source.identity_space or source.source_id, table, declared.identifiers
    )


def take_out_of_landing(
    settings: Settings, manifest: LoadManifest, search: Search, landed: Path, dump: tuple[str, str]
) -> int:
    """Take erased persons out of a landed dump, of this name and checksum; returns how many records went.

    Documents of theirs that turn up join the list. A dump that cannot be read as a whole stays.
    """
    file, sha256 = dump
    try:
        found = find_records(search, landed, file)
    except UnreadableDump:
        return 0
    remember_documents(settings, search)
    if not found:
        return 0
    known = manifest.rewritten(search.source_id, *dump)
    before = next((state.erased for state in known if state.sha256 == checksum(landed)), ())
    delivered = numbers_among(np.array(found, dtype=np.int64), np.array(before, dtype=np.int64)).tolist()
    with replacing(landed) as part:
        take_out(landed, part, file, search.table, found)
        state = Rewritten(checksum(part), tuple(sorted({*before, *delivered})))
        manifest.rewrite(search.source_id, file, sha256, state)
    landed.chmod(0o444)
    return len(found)


def discard_unreadable(search: Search, landed: Path, file: str) -> bool:
    """Remove a landed dump that cannot be read as a whole and names an erased person; whether it did."""
    if not landed.exists() or not tells_of_erased(search, landed, file):
        return False
    landed.unlink()
    return True


def remember_documents(settings: Settings, search: Search) -> bool:
    """Put what a search found to be an erased person's on the list; whether any of it was new."""
    erased = read_erased(settings)
    more = erased.having_keys(search.documents)
    if more == erased:
        return False
    add_documents(settings, search.documents)
    write_erased(settings, more)
    return True
