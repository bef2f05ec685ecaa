"""Findings from gate results, loads and stopped runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from expectations.personal import mask_text
from expectations.results import ExpectationResult, GateResult
from orchestration.alerts.findings import Finding, Subject
from orchestration.arrival.file_versions import FileVersion, State, latest_versions
from orchestration.core.printable import counted, shortened
from orchestration.core.redact import redact
from orchestration.publish.mirror import MIRROR

PLATFORM = "data-platform"
GATE_FAILED = "docs/runbooks/gate-failed.md"
BACKFILL = "docs/runbooks/backfill.md"
NIGHTLY_FAILED = "docs/runbooks/nightly-failed.md"
# By exit code.
STOPPED_AT = {
    1: f"{NIGHTLY_FAILED}#1-a-crash-or-a-model-that-does-not-run",
    2: f"{NIGHTLY_FAILED}#2-by-message",
    3: f"{GATE_FAILED}#a-law-is-broken",
}
MAX_TEXT = 1500
LONGEST_HEADLINE = 160
SHOWN = 3
NOTHING_CHECKED = "nothing_checked"
# Endings of the keys of findings that follow from the file versions alone.
UNREADABLE, HELD_BACK = ".readable", ".held_back"
# Steps of a run that pull a source.
RAW_STEP = "raw__"
# Dagster starts a crashed run again at once; a night takes less than this.
RETRY_PATIENCE = timedelta(hours=1)


def gate_findings(result: GateResult, page: Path, readers: str = "") -> list[Finding]:
    """One finding per expectation that was not met or could not be evaluated.

    What keeps the gate shut is critical, whatever its rule's severity; a gate that checked nothing is too.
    `readers` says what they have meanwhile.
    """
    if not result.results:
        text = f"The {result.gate} gate on {result.subject} evaluated no expectations, so nothing passes."
        return [
            Finding(
                NOTHING_CHECKED,
                "gate_failed",
                "critical",
                PLATFORM,
                text,
                text,
                str(page),
                GATE_FAILED,
                effect=f"Nothing new is published. {readers}".strip(),
                cure="Run `aipl run`. If it stays so, the suites or the declared tables are gone.",
            )
        ]
    return [
        _of_result(result, found, page, readers)
        for found in (*result.errors, *result.failures, *result.warnings)
    ]


def load_findings(versions: Iterable[FileVersion], owner: str, readers: str = "") -> list[Finding]:
    """Findings that follow from the file versions of one source alone.

    A dump that cannot be read at all never comes before a gate: it is a finding of its own, one a table.
    Loads that are held back are one too.
    """
    refused = [version for version in latest_versions(versions).values() if version.state is State.REFUSED]
    held = [version for version in refused if version.is_held]
    unreadable: dict[str, list[FileVersion]] = {}
    for version in refused:
        if not version.is_readable:
            unreadable.setdefault(version.table_name, []).append(version)
    found = [_of_unreadable(table, files, owner, readers) for table, files in unreadable.items()]
    return [*found, _of_held(held, owner, readers)] if held else found


def stopped_finding(
    step: str, message: str, log: str | None, readers: str = "", *, exit_code: int = 1
) -> Finding:
    """The finding of a run that stopped at a step; the exit code says where to read on."""
    # The mirror comes after the release, and its own message says what happened.
    effect = f"The published release is unchanged. {readers}".strip()
    cure = "`aipl status` shows the state. Correct what the message says, then run `aipl run`."
    if step == MIRROR:
        cure = "Correct what the message says, then run `aipl mirror`."
        effect = f"Readers of the mirror have what it held before. Others are not affected: {readers}".strip()
    return Finding(
        key=step,
        kind="run_failed",
        severity="critical",
        owner=PLATFORM,
        title=f"nightly run stopped at {step}: {headline(message)}",
        text=outward(message),
        link=log,
        runbook=STOPPED_AT.get(exit_code, NIGHTLY_FAILED),
        effect=effect,
        cure=cure,
        subject=Subject(source=step.partition(RAW_STEP)[2] or None),
    )


def crashed_finding(step: str, message: str, log: str | None, run: str, readers: str = "") -> Finding:
    """The finding of a run that crashed and is started again: a warning, told if the next one fails too.

    Without news of the next run it is told after `RETRY_PATIENCE`.
    """
    stopped = stopped_finding(step, message, log, readers)
    return replace(
        stopped,
        severity="warning",
        title=f"nightly run crashed at {step} and was started again: {headline(message)}",
        cure="Nothing, if the next run goes well. `aipl status` shows the state.",
        subject=replace(stopped.subject, run=run),
        patience=RETRY_PATIENCE,
    )


def cancelled_finding(step: str, message: str, run: str | None, readers: str = "") -> Finding:
    """The finding of a run that somebody cancelled, in Dagster's UI or at the terminal: a warning."""
    stopped = stopped_finding(step, message, None, readers)
    return replace(
        stopped,
        severity="warning",
        title="nightly run was cancelled",
        runbook=f"{BACKFILL}#stop-it",
        cure="What it left waits for the next night; `aipl run` goes on at once. `aipl status` lists it.",
        subject=replace(stopped.subject, run=run),
    )


def headline(text: str) -> str:
    """The first sentence of a text that may leave this machine, in one line."""
    return shortened(" ".join(outward(text).partition(". ")[0].split()), LONGEST_HEADLINE)


def outward(text: str) -> str:
    """A text that may leave this machine: no personal keys, no credentials, limited length."""
    return shortened(mask_text(redact(text)), MAX_TEXT)


def _of_result(result: GateResult, found: ExpectationResult, page: Path, readers: str) -> Finding:
    observed = found.error or found.observed or "not met"
    examples = [", ".join(f"{name}={value}" for name, value in row.items()) for row in found.examples[:SHOWN]]
    figures = found.figures
    lines = [f"expected: {found.description}"]
    if figures:
        lines += [f"found: {figure}" for figure in figures]
    else:
        lines += [f"found: {observed}", *(f"example: {example}" for example in examples)]
    if found.load_dates and not figures:
        lines.append(f"load dates: {', '.join(_some([day.isoformat() for day in found.load_dates]))}")
    told = figures[0] if figures else ", such as ".join([observed, *examples[:1]])
    source = found.table.partition(".")[0] if result.gate == "arrival" else None
    brands = {str(row["brand_id"]) for row in found.examples if row.get("brand_id") is not None}
    return Finding(
        key=f"{found.table}.{found.name}",
        kind="gate_failed",
        severity="critical" if found.blocks else "warning",
        owner=found.owner,
        title=f"{found.table}: {found.name}: {headline(told)}",
        text=outward("\n".join(lines)),
        link=str(page),
        runbook=found.runbook or GATE_FAILED,
        effect=_effect(found, source, readers),
        cure=outward(_cure(found, source)),
        subject=Subject(
            source=source,
            brands=tuple(found.named.get("brand_id", sorted(brands))),
            table=found.table,
            rule=found.name,
            load_dates=found.load_dates,
            unexpected=found.unexpected_count,
        ),
    )


def _effect(found: ExpectationResult, source: str | None, readers: str) -> str:
    if not found.blocks:
        return "Nothing is held back."
    if source is None:
        return f"The new build is not published. {readers}".strip()
    if not found.load_dates:
        return f"New loads of {source} wait until this can be judged; other sources go on. {readers}".strip()
    days = ", ".join(_some([day.isoformat() for day in found.load_dates]))
    return (
        f"The load of {days} is refused, and later loads of {source} wait; other sources go on. {readers}"
    ).strip()


def _cure(found: ExpectationResult, source: str | None) -> str:
    """What to do, with a command for the latest load date that fails."""
    if found.error:
        return "This says nothing about the data. Correct what the message says, then run `aipl run`."
    if source is None:
        named = found.named.get("source_id", ())
        holds = " and ".join(f"`aipl hold {source_id}`" for source_id in named)
        hold = f" {holds}, then `aipl run`, publishes the others meanwhile." if named else ""
        correct = "Correct the data, the model or the rule, then run `aipl run`."
        return f"The report shows the rows. {correct}{hold}" if found.blocks else "The report shows the rows."
    if not found.blocks or not found.load_dates:
        return found.remedy
    day = max(found.load_dates)
    accept = f"Then run `aipl run`. `aipl accept {source} {day} --reason TEXT` lets the load in as it is."
    return f"{found.remedy} {accept}".strip()


def _of_unreadable(table: str, files: Sequence[FileVersion], owner: str, readers: str) -> Finding:
    source, days = files[0].source_id, sorted({file.load_date for file in files})
    count = counted(len(files), "dump")
    lines = _some([f"{file.file}: {(file.reason or '').removeprefix(f'{file.file}: ')}" for file in files])
    return Finding(
        key=f"{source}.{table}{UNREADABLE}",
        kind="gate_failed",
        severity="critical",
        owner=owner,
        title=f"{source}.{table}: {count} cannot be read, so the load is refused: {headline(lines[0])}",
        text=outward("\n".join(lines)),
        runbook=GATE_FAILED,
        effect=f"The load of {days[0]} is refused, and later loads of {source} wait; other sources go on."
        f" {readers}".strip(),
        cure="Have the dump delivered again under the same name, or correct the table in the sources file,"
        f" then run `aipl run --source {source}`.",
        subject=Subject(
            source=source, table=f"{source}.{table}", load_dates=tuple(days), unexpected=len(files)
        ),
    )


def _of_held(files: Sequence[FileVersion], owner: str, readers: str) -> Finding:
    source, days = files[0].source_id, sorted({file.load_date for file in files})
    loads = counted(len(days), "load")
    lines = [
        f"load dates: {', '.join(_some([day.isoformat() for day in days]))}",
        *sorted({file.reason or "" for file in files}),
    ]
    return Finding(
        key=f"{source}{HELD_BACK}",
        kind="gate_failed",
        severity="critical",
        owner=owner,
        title=f"{source}: {loads} {headline(files[0].reason or '')}",
        text=outward("\n".join(lines)),
        runbook=f"{GATE_FAILED}#a-load-that-is-held-back",
        effect=f"Later loads of {source} wait too; other sources are published. {readers}".strip(),
        cure="Correct the data and deliver them again, or correct the rule, then run `aipl run`."
        f" `aipl accept {source} {days[0]} --reason TEXT` lets one in as it is.",
        subject=Subject(source=source, load_dates=tuple(days)),
    )


def _some(words: Sequence[str]) -> list[str]:
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return [*words[:SHOWN], *more]
