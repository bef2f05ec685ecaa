"""Load rejected rows after a fix: only the files with rejects are read again."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.arrival.configured import (
    configured_schedule,
    configured_sources,
    named_source,
    read_arrival,
)
from orchestration.arrival.pending import Request, find_pending
from orchestration.core.errors import InputError
from orchestration.core.lock import writer_lock
from orchestration.core.printable import counted
from orchestration.core.settings import Settings
from orchestration.nightly.run import is_done, run_new
from orchestration.nightly.summary_tables import table
from orchestration.publish.rejects.listing import Rejects, Selection, find_rejects


def replay(
    settings: Settings,
    source_id: str | None,
    reason: str | None,
    dumps: str | None,
    say: Callable[[str], None],
) -> int:
    """Read the files with these rejects again where something changed for them, then build and publish.

    Returns the exit code of the run. Raises InputError when neither a dump, its declaration nor the
    warehouse's SQL changed: the same rows would be rejected again.
    """
    declared = configured_sources(settings)
    if source_id:
        named_source(settings, declared, source_id)
    chosen = find_rejects(settings, Selection(source_id, reason)).files()
    if not chosen:
        say("No rejects match." if reason or source_id else "No rejects.")
        return 0
    affected = Selection(files=chosen)
    request = Request(source=source_id, dumps=dumps, only=chosen)
    with writer_lock(settings.home):
        before = find_rejects(settings, affected)
        asked = {
            name: source
            for name, source in declared.items()
            if name in chosen and (source.dumps or name == source_id)
        }
        arrival = read_arrival(settings, asked)
        pending = find_pending(settings, arrival, request, configured_schedule(settings).today())
        if not pending.load_dates and is_done(settings, declared, say):
            raise InputError(
                f"Nothing has changed for the {counted(before.count, 'reject')} in"
                f" {counted(_number(chosen), 'file')}: the same dumps, declarations and models would give the"
                " same rejects. Correct the table's entry in the sources file or the staging model, or have"
                " the file delivered again under the same name; `aipl rejects` shows the rows."
            )
        code = run_new(settings, request, say)
        say(_account(before, find_rejects(settings, affected)))
        say(_unread(settings, chosen))
    return code


def _account(before: Rejects, after: Rejects) -> str:
    """Rejects of the replayed files by reason, before and after the replay."""
    old, new = before.by_reason(), after.by_reason()
    rows = [(*key, old.get(key, 0), new.get(key, 0)) for key in sorted({*old, *new})]
    columns = ["source", "table or entity", "column", "found in", "reason", "before", "after"]
    files = _number(before.files())
    return (
        f"Replayed {counted(files, 'file')}: {counted(before.count, 'reject')} before, {after.count:,} after."
        f"\n{table(columns, rows)}"
    )


def _unread(settings: Settings, chosen: dict[str, set[str]]) -> str:
    """Replayed files that can no longer be read at all; their rejects are not counted as remaining."""
    arrival = read_arrival(settings, {})
    latest = [
        version
        for source_id, files in chosen.items()
        for version in arrival.of(source_id).latest.values()
        if version.file in files and not version.is_readable
    ]
    return "\n".join(f"Can no longer be read: {version.reason}" for version in latest)


def _number(chosen: dict[str, set[str]]) -> int:
    return sum(map(len, chosen.values()))
