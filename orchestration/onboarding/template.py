"""`aipl template`: an empty file for a table that people keep by hand."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from orchestration.arrival.configured import declared_sources
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.sources.source import Source
from orchestration.sources.table import Table

MANUAL = "manual"


def tables_by_hand(settings: Settings) -> Mapping[str, Table]:
    """Tables of the source `manual`, by name.

    Raises InputError where the sources file has no such source.
    """
    return _manual(settings).tables


def write_template(settings: Settings, table: str) -> Path:
    """Write a file with a header where the source `manual` looks for it; returns its path.

    Raises InputError for a table that the source does not have, and for a file that exists.
    """
    source = _manual(settings)
    if table not in source.tables:
        raise InputError(f"There is no table {table} to keep by hand. There are: {', '.join(source.tables)}.")
    path = Path(source.dumps or "") / source.tables[table].files
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(source.tables[table].columns.declared)
    except FileExistsError as error:
        raise InputError(f"{path} exists, and is left as it is. Add rows to it.") from error
    return path


def _manual(settings: Settings) -> Source:
    source = declared_sources(settings).get(MANUAL)
    if source is None or source.dumps is None or "://" in source.dumps:
        raise InputError(f"{settings.sources_file} declares no source {MANUAL} with a local folder of dumps.")
    return source
