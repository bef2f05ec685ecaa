"""Bring in what was rejected once its cause is mended: just the files that hold rejects are read again."""

from __future__ import annotations

from collections.abc import Callable

from orchestration.arrival.configured import configured_schedule, configured_sources, named_source
from orchestration.arrival.file_versions import latest_versions
from orchestration.arrival.manifest import LoadManifest
from orchestration.arrival.pending import Request, find_pending
from orchestration.core.errors import InputError
from orchestration.core.lock import writer_lock
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
    """Read the files with these rejects again as far as something changed for them, build and publish.

    Returns the exit code of the run. Raises InputError where neither a dump, nor its declaration, nor the
    warehouse's SQL changed: the same rows would be rejected again.
    """
    declared = configured_sources(settings)
    if source_id:
        named_source(settings, declared, source_id)
    chosen = find_rejects(settings, Selection(source_id, reason)).files()
    if not chosen:
        say("There are no such rejects." if reason or source_id else "There are no rejects.")
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
        pending = find_pending(settings, asked, request, configured_schedule(settings).today())
        if not pending.load_dates and is_done(settings, declared, say):
            raise InputError(
                f"Nothing was mended for the {before.count:,} rejects in {_number(chosen)} file(s): dumps,"
                " declarations and models are what they were, and would give the same rejects. Correct the"
                " table's entry in the sources file or the staging model, or have the file delivered again"
                " under its name; `aipl rejects` shows the rows."
            )
        code = run_new(settings, request, say)
        say(_account(before, find_rejects(settings, affected)))
        say(_unread(settings, chosen))
    return code


def _account(before: Rejects, after: Rejects) -> str:
    """Rejects of the replayed files by reason, before and after."""
    old, new = before.by_reason(), after.by_reason()
    rows = [(*key, old.get(key, 0), new.get(key, 0)) for key in sorted({*old, *new})]
    columns = ["source", "table or entity", "found in", "reason", "before", "after"]
    files = _number(before.files())
    return (
        f"Replayed {files} file(s): {before.count:,} rejects went in, {after.count:,} remain.\n"
        f"{table(columns, rows)}"
    )


def _unread(settings: Settings, chosen: dict[str, set[str]]) -> str:
    """Files of these that cannot be read at all now: their rejects are not among those that remain."""
    with LoadManifest(settings.manifest) as manifest:
        latest = [
            version
            for source_id, files in chosen.items()
            for version in latest_versions(manifest.versions(source_id)).values()
            if version.file in files and not version.is_readable
        ]
    return "\n".join(f"Cannot be read at all now: {version.reason}" for version in latest)


def _number(chosen: dict[str, set[str]]) -> int:
    return sum(map(len, chosen.values()))
