"""One run from the command line: find new loads, run the nightly job, report the outcome."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from orchestration.alerts.incidents import suppress_alerting_errors
from orchestration.arrival.configured import (
    configured_schedule,
    configured_sources,
    dbt_sources,
    named_source,
    read_arrival,
)
from orchestration.arrival.file_versions import Load
from orchestration.arrival.pending import Request, find_pending
from orchestration.arrival.pull import require_dumps
from orchestration.build.around_dbt import write_dbt_inputs
from orchestration.core.errors import InputError
from orchestration.core.lock import writer_lock
from orchestration.core.privacy.person_key import is_made_with
from orchestration.core.settings import Settings
from orchestration.monitoring.findings import RAW_STEP
from orchestration.monitoring.gates import observe_gates
from orchestration.monitoring.heartbeat import concluding
from orchestration.monitoring.runs import Stopped, alerting, observe_run
from orchestration.monitoring.work import find_unpublished
from orchestration.nightly.job import new_log, run_nightly
from orchestration.nightly.notes import buyer_notes, notes
from orchestration.nightly.summary import (
    dashboard_of,
    gate_summary,
    loads_since,
    loads_summary,
    refusals,
    release_summary,
)
from orchestration.publish.mirror import mirror
from orchestration.publish.release import Release, mend_pointer, read_current
from orchestration.publish.rollback import rollback_lines
from orchestration.sources.source import Source

SHOWN = 5


def run_new(
    settings: Settings, request: Request, say: Callable[[str], None], *, wait_seconds: float = 0
) -> int:
    """Run the nightly job on all new loads within the request; returns the exit code.

    Waits up to `wait_seconds` for another run, and reports that through `say`.

    Raises AiplError or ConfigurationError for problems that the user has to fix first. A run with a narrowed
    request counts as attended; any other failure sends an alert.
    """
    is_attended = request != Request()
    with (
        alerting(settings, is_attended=is_attended),
        concluding(settings, is_attended=is_attended) as ended,
    ):
        ended.exit_code = _run_new(settings, request, say, wait_seconds)
    return ended.exit_code


def _run_new(settings: Settings, request: Request, say: Callable[[str], None], wait_seconds: float) -> int:
    declared = configured_sources(settings)
    if request.source:
        asked = {request.source: named_source(settings, declared, request.source)}
    else:
        asked = {source_id: source for source_id, source in declared.items() if source.dumps}
    told = json.loads(dbt_sources(settings, declared))
    for source_id, source in asked.items():
        if not told[source_id]["entities"]:
            raise InputError(
                f"Source {source_id} has no models in dbt_project/models/staging/{source_id}: its rows would "
                "be lost. See docs/adding-a-source.md for how to write them."
            )
        if request.dumps:
            require_dumps(source, request.dumps)
    with writer_lock(settings.home, wait_seconds=wait_seconds, say=say):
        mend_pointer(settings)
        # A run may have been killed between a verdict and its alert.
        arrival = read_arrival(settings, declared)
        observe_gates(settings, arrival)
        today = configured_schedule(settings).today()
        pending = find_pending(settings, replace(arrival, sources=asked), request, today)
        if asked and len(pending.unreachable) == len(asked):
            raise InputError("\n".join(pending.unreachable.values()))
        for text in pending.unreachable.values():
            say(f"Skipped: {text}")
        reached = 2 if pending.unreachable else 0
        new = pending.load_dates
        if not new and (current := is_done(settings, declared, say)):
            # The mirror may have failed last time, or there may have been a rollback since.
            mirrored = mirror(settings) if settings.mirror_url else None
            with suppress_alerting_errors():
                observe_run(settings, [], None, did=lambda step: not step.startswith(RAW_STEP))
            for warning in pending.warnings[:SHOWN]:
                say(f"Warning: {warning}")
            say(f"Nothing is new. Release {current.release_id} is current.")
            if mirrored and mirrored.rows is not None:
                say(f"mirror: {mirrored.told}")
            if lines := rollback_lines(settings):
                say("\n".join(lines))
            if not is_made_with(current.manifest, settings):
                say(
                    "The person key differs from the one this release was made with. It takes effect with the"
                    " next release: when new data arrive, or when you undo the rollback and run again."
                )
            return reached
        log = new_log(settings)
        stopped = run_nightly(settings, new, request, log)
        after = read_arrival(settings, declared)
        return conclude(settings, loads_since(arrival, after, new), stopped, log, say, pulled=new) or reached


def is_done(settings: Settings, declared: Mapping[str, Source], say: Callable[[str], None]) -> Release | None:
    """The current release, if earlier runs left nothing to build, to check or to publish.

    Updates raw first; `say` reports what that retires.
    """
    for told in write_dbt_inputs(settings, declared):
        say(told)
    is_left = find_unpublished(settings, read_arrival(settings, declared)).reason
    return None if is_left else read_current(settings)


def conclude(
    settings: Settings,
    loads: Sequence[Load],
    stopped: list[Stopped],
    log: Path,
    say: Callable[[str], None],
    *,
    pulled: Collection[str],
) -> int:
    """Report the outcome of a run that pulled these sources; returns its exit code."""

    def did(step: str) -> bool:
        return not step.startswith(RAW_STEP) or step.removeprefix(RAW_STEP) in pulled

    with suppress_alerting_errors():
        observe_run(settings, stopped, str(log), did=did)
    say("")
    say(loads_summary(settings, loads))
    refused = refusals(loads)
    for refusal in list(refused)[:SHOWN]:
        say(f"Refused: {refusal}")
    if len(refused) > SHOWN:
        say(f"Refused: {len(refused) - SHOWN} more; `aipl status` lists all.")
    current = read_current(settings)
    arrival = read_arrival(settings)
    told = notes(settings, arrival, None if stopped else current)
    noted = [f"Note: {note}." for note in [*told, *buyer_notes(settings, arrival.sources)]]
    if not stopped and current:
        say("\n".join([release_summary(settings, current), *rollback_lines(settings), *noted]))
        say(f"To view it: `{dashboard_of(settings)}`.")
        return max(refused.values(), default=0)
    for line in noted:
        say(line)
    for step in stopped:
        say(f"Stopped at {step.step}: {gate_summary(settings) if step.by_gate else step.message}")
    say(
        f"The current release is still {current.release_id}."
        if current
        else "Nothing has been published yet."
    )
    say(f"See the log: {log}")
    codes = {step.exit_code for step in stopped}
    return 1 if 1 in codes else max(codes, default=1)
