"""Reading one dump into Parquet, for tests of readers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from orchestration.arrival.readers import parse_to_parquet
from orchestration.sources.table import Table

DAY = date(2024, 9, 2)
Rows = list[tuple[list[Any], int]]
Rejects = list[tuple[int, str, str]]


def table(columns: str = "a,b", optional: str = "", **entry: object) -> Table:
    """The declaration of a table, by default of CSV."""
    declared = {"required": columns.split(","), "optional": [name for name in optional.split(",") if name]}
    return Table.model_validate({"files": "*", "format": "csv", "columns": declared, **entry})


def parse(folder: Path, content: bytes, declared: Table, name: str = "dump.csv") -> tuple[Rows, Rejects]:
    """Rows as (values, number) and rejects as (number, text, reason)."""
    landed, out = folder / name, folder / "out"
    landed.write_bytes(content)
    parsed, rejects = out / "parsed.parquet", out / "rejects.parquet"
    counts = parse_to_parquet(declared, landed, name, DAY, parsed=parsed, rejects=rejects)
    rows = pq.read_table(parsed).to_pylist()
    assert all(row["_load_date"] == DAY and row["_file"] == name for row in rows)
    bad = pq.read_table(rejects).to_pylist() if rejects.exists() else []
    assert (len(rows), len(bad)) == (counts.row_count, counts.unreadable_count)
    assert not list(out.glob("*.part"))
    plain = [([value for key, value in row.items() if key[0] != "_"], row["_row"]) for row in rows]
    return plain, [(row["_row"], row["raw_text"], row["reason"]) for row in bad]
