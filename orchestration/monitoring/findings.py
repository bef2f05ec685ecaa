"""Findings from gate results, loads and stopped runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path

from expectations.personal import mask_text
from expectations.results import ExpectationResult, GateResult
from orchestration.alerts.findings import Finding
from orchestration.arrival.file_versions import FileVersion, State, latest_versions
from orchestration.core.printable import counted, shortened
from orchestration.core.redact import redact
from orchestration.publish.mirror import MIRROR

PLATFORM = "data-platform"
GATE_FAILED = "docs/runbooks/gate-failed.md"
NIGHTLY_FAILED = "docs/runbooks/nightly-failed.md"
MAX_TEXT = 1500
SHOWN = 3


def gate_findings(result: GateResult, page: Path) -> list[Finding]:
    """One finding per expectation that was not met or could not be evaluated.

    What keeps the gate shut is critical, whatever its rule's severity; a gate that checked nothing is too.
    """
    if not result.results:
        text = f"The {result.gate} gate on {result.subject} evaluated no expectations, so nothing passes."
        return [
            Finding(
                "nothing_checked", "gate_failed", "critical", PLATFORM, text, text, str(page), GATE_FAILED
            )
        ]
    return [_of_result(found, page) for found in (*result.errors, *result.failures, *result.warnings)]


def arrival_findings(
    judged: Sequence[Finding],
    judged_dates: Collection[date],
    versions: Iterable[FileVersion],
    before: Sequence[Finding],
    owner: str = PLATFORM,
) -> list[Finding]:
    """All findings on the loads of one source, after a gate that judged only some of them.

    `judged` is what that gate found, `versions` are all of the source's, decided about; `before` are the
    findings of the open incidents. While a load that was not judged now stays refused, so do the findings it
    may have been refused for. A dump that cannot be read at all never comes before the gate: it is a finding
    of its own, a finding a table.
    """
    refused = [version for version in latest_versions(versions).values() if version.state is State.REFUSED]
    held = [version for version in refused if version.is_held]
    unreadable: dict[str, list[FileVersion]] = {}
    for version in refused:
        if not version.is_readable:
            unreadable.setdefault(version.table_name, []).append(version)
    found = [*judged, *(_of_unreadable(table, files, owner) for table, files in unreadable.items())]
    if held:
        found.append(_of_held(held, owner))
    judged_then = (version for version in refused if version.is_readable and not version.is_held)
    if any(version.load_date not in judged_dates for version in judged_then):
        keys = {finding.key for finding in found}
        found += [
            finding for finding in before if finding.key not in keys and not finding.key.endswith(OF_FILES)
        ]
    return found


def stopped_finding(step: str, message: str, log: str | None) -> Finding:
    """The finding of a run that stopped at a step."""
    # The mirror comes after the release, and its own message says what happened.
    release = "" if step == MIRROR else "\nThe published release is unchanged."
    return Finding(
        key=step,
        kind="run_failed",
        severity="critical",
        owner=PLATFORM,
        title=f"nightly run stopped at {step}",
        text=outward(f"{message}{release}"),
        link=log,
        runbook=NIGHTLY_FAILED,
    )


def outward(text: str) -> str:
    """A text that may leave this machine: no personal keys, no credentials, limited length."""
    return shortened(mask_text(redact(text)), MAX_TEXT)


UNREADABLE, HELD_BACK = ".readable", ".held_back"
# Endings of the keys of findings that follow from the file versions alone.
OF_FILES = (UNREADABLE, HELD_BACK)


def _of_result(found: ExpectationResult, page: Path) -> Finding:
    observed = found.error or found.observed or "not met"
    lines = [f"expected: {found.description}", f"found: {observed}"]
    if found.load_dates:
        lines.append(f"load dates: {', '.join(_some([day.isoformat() for day in found.load_dates]))}")
    examples = [", ".join(f"{name}={value}" for name, value in row.items()) for row in found.examples[:SHOWN]]
    figures = found.figures
    lines += figures or [f"example: {example}" for example in examples]
    headline = figures[0] if figures else observed
    return Finding(
        key=f"{found.table}.{found.name}",
        kind="gate_failed",
        severity="critical" if found.blocks else "warning",
        owner=found.owner,
        title=f"{found.table}: {found.name}: {' '.join(headline.split())[:120]}",
        text=outward("\n".join(lines)),
        link=str(page),
        runbook=found.runbook or GATE_FAILED,
    )


def _of_unreadable(table: str, files: Sequence[FileVersion], owner: str) -> Finding:
    source = files[0].source_id
    count = counted(len(files), "dump")
    lines = _some([f"{file.file}: {file.reason}" for file in files])
    return Finding(
        key=f"{source}.{table}{UNREADABLE}",
        kind="gate_failed",
        severity="critical",
        owner=owner,
        title=f"{source}.{table}: {count} cannot be read, so the load is refused",
        text=outward("\n".join([*lines, "See `aipl status` for the loads."])),
        runbook=GATE_FAILED,
    )


def _of_held(files: Sequence[FileVersion], owner: str) -> Finding:
    source = files[0].source_id
    days = sorted({file.load_date for file in files})
    loads = counted(len(days), "load")
    lines = [
        f"load dates: {', '.join(_some([day.isoformat() for day in days]))}",
        *sorted({file.reason or "" for file in files}),
        "Correct the data and deliver them again, or correct the rule."
        f" `aipl accept {source} {days[0]} --reason TEXT` lets one in as it is."
        " Later loads of the source wait until then; other sources are published.",
    ]
    return Finding(
        key=f"{source}{HELD_BACK}",
        kind="gate_failed",
        severity="critical",
        owner=owner,
        title=f"{source}: {loads} {' '.join((files[0].reason or '').split())[:120]}",
        text=outward("\n".join(lines)),
        runbook=f"{GATE_FAILED}#a-load-that-is-held-back",
    )


def _some(words: Sequence[str]) -> list[str]:
    more = [f"and {len(words) - SHOWN} more"] if len(words) > SHOWN else []
    return [*words[:SHOWN], *more]
