"""Rejects as text for the terminal and as CSV for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from orchestration.build.state import read_build
from orchestration.core.printable import counted, formula_safe, shortened
from orchestration.core.settings import Settings
from orchestration.nightly.summary_tables import table
from orchestration.publish.query import Result, to_csv
from orchestration.publish.rejects.listing import TRIAL, Rejects, Selection, find_rejects
from orchestration.publish.rejects.reconcile import Arrived, Staged, arrived, staged

SHOWN_ROWS, SHOWN_CHARACTERS = 50, 200
SUMMARY = [
    "source",
    "table or entity",
    "column",
    "found in",
    "reason",
    "rows",
    "first load",
    "last load",
    "file",
    "row",
]
ROWS = ["source", "table or entity", "column", "found in", "reason", "load", "file", "row", "text"]
ARRIVED = [
    "source",
    "table",
    "read",
    "superseded",
    "unreadable",
    "waiting",
    "raw",
    "retired",
    "difference",
    "unread_files",
]
STAGED = ["source", "table", "entity", "raw", "current", "superseded", "rejected", "joined", "split"]


def rejects_text(settings: Settings, selection: Selection) -> str:
    """Rejects by reason, or the rows of one reason; then the reconciliation of all records."""
    found = find_rejects(settings, selection, with_text=selection.reason is not None)
    if not found.count:
        parts = ["No rejects match.\n" if selection.reason else "No rejects.\n"]
    elif selection.reason is None:
        parts = [table(SUMMARY, found.summary())]
    else:
        parts = [table(ROWS, _shown(found, SHOWN_ROWS))]
        if found.count > SHOWN_ROWS:
            parts.append(f"… and {found.count - SHOWN_ROWS:,} more; `--format csv` lists all.\n")
    if tried := sum(rows for (_, _, _, found_in, _), rows in found.by_reason().items() if found_in == TRIAL):
        parts.append(
            f"Found in trial: {counted(tried, 'row')} that no build has staged, since the load is refused or"
            " waits, or no build came so far. Below, they are among those waiting or in raw.\n"
        )
    return "\n".join([*parts, accounts_text(settings, selection.source)])


def rejects_csv(settings: Settings, selection: Selection) -> str:
    """The same as CSV, all rows, without the reconciliation; formulas are escaped."""
    found = find_rejects(settings, selection, with_text=selection.reason is not None)
    columns, rows = (SUMMARY, found.summary()) if selection.reason is None else (ROWS, _shown(found, None))
    safe = [tuple(formula_safe(v) if isinstance(v, str) else v for v in row) for row in rows]
    return to_csv(Result(columns, safe, None)).decode()


def accounts_text(settings: Settings, source_id: str | None) -> str:
    """Both reconciliations, as tables with their equations."""
    came, built = arrived(settings, source_id), staged(settings, source_id)
    parts = []
    if came:
        parts += [
            "Records read = superseded + unreadable + waiting or refused + in raw + retired\n",
            _lines(ARRIVED, came),
        ]
        parts += [
            f"{line.difference:,} records of {line.source} {line.table} are nowhere: `aipl run` reads them"
            " again from landing; if not, `aipl rebuild` does.\n"
            for line in came
            if line.difference
        ]
    if built:
        parts += [
            f"\nRaw rows in {_last_build(settings)} = current + superseded + rejected"
            " + joined to others or of other entities - split into several\n",
            _lines(STAGED, built),
        ]
    return "".join(parts)


def _last_build(settings: Settings) -> str:
    build = read_build(settings)
    is_finished = build is not None and build.state == "complete"
    return "the last build" if is_finished else "the last build, which did not finish,"


def _shown(found: Rejects, limit: int | None) -> list[tuple[object, ...]]:
    rows = []
    for row in found.rows(limit):
        # It holds nothing personal: raw has hashes, and readers store rejects of such tables without text.
        *facts, text = row.values()
        told = str(text or "")
        rows.append((*facts, shortened(told, SHOWN_CHARACTERS) if limit else told))
    return rows


def _lines(columns: list[str], lines: Sequence[Arrived | Staged]) -> str:
    return table([name.replace("_", " ") for name in columns], list(map(attrgetter(*columns), lines)))
