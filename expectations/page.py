"""Gate results as self-contained HTML pages that work offline."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from urllib.parse import quote

import jinja2
from pydantic import ValidationError

from expectations.past import Run, past_of
from expectations.results import ExpectationResult, GateResult

# Number of results read for the history, so that the cost of a page stays constant.
MAX_LISTED = 120

_WORDS = {"passed": "Passed", "failed": "Failed", "error": "Error"}
_MEANINGS = {
    ("arrival", "passed"): "Every load that arrived is accepted.",
    ("arrival", "failed"): "The load dates below are refused and hold back their own source until repaired.",
    ("arrival", "error"): "The loads could not be judged. This is a fault of the check, not of the data.",
    ("marts", "passed"): "These marts may be published.",
    ("marts", "failed"): "These marts are not published; the last good release stays in place.",
    ("marts", "error"): "The marts could not be judged, so they are not published. "
    "This is a fault of the check or the build, not a finding about the data.",
}
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(result: GateResult, earlier: Sequence[Run] = ()) -> str:
    """The HTML page of one gate run, after earlier ones (latest first); all is escaped, nothing fetched."""
    past = past_of(result, earlier)
    passed: dict[str, list[ExpectationResult]] = {}
    for one in result.passes:
        passed.setdefault(one.table, []).append(one)
    return _TEMPLATES.get_template("gate.html.j2").render(
        gate=result,
        heading=f"{result.gate.capitalize()} gate: {result.subject}",
        meaning=_MEANINGS[result.gate, result.outcome],
        words=_WORDS,
        seconds=(result.finished_at - result.started_at).total_seconds(),
        groups=(
            ("error", "Could not be evaluated", result.errors),
            ("failed", "Failed", result.failures),
            ("warning", "Warnings", result.warnings),
            ("passed", "Passed", result.passes),
        ),
        passed=passed,
        past=past,
        tables=_tables(result),
        waiting=result.without_baseline,
        refused=result.refused_load_dates() if (result.gate, result.outcome) == ("arrival", "failed") else {},
    )


def _tables(result: GateResult) -> list[tuple[str, int, int, int]]:
    """Table, and how many expectations it has, how many of them block, how many warn; the gravest first."""
    found: dict[str, list[ExpectationResult]] = {}
    for one in result.results:
        found.setdefault(one.table, []).append(one)
    counted = [
        (table, len(all_), sum(one.blocks for one in all_), sum(one.verdict == "warning" for one in all_))
        for table, all_ in found.items()
    ]
    return sorted(counted, key=lambda row: (-row[2], -row[3], row[0]))


def report_page(result: GateResult, folder: Path) -> Path:
    """Where the page of a gate run is; its result is beside it, as `.json`."""
    return folder / f"{result.started_at:%Y%m%dT%H%M%S.%fZ}-{result.gate}.html"


def write_report(result: GateResult, folder: Path) -> Path:
    """Keep a result as `<time>-<gate>.json` and `.html` and list all of the folder in `index.html`.

    Returns the page, the same one for a run that is judged further. Files appear whole or not at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = report_page(result, folder)
    kept = page.with_suffix(".json")
    stored = sorted(set(folder.glob("*.json")) - {kept}, reverse=True)
    earlier = _told(stored[: MAX_LISTED - 1])
    known = [Run(name, one) for name, one in earlier if one]
    _write(page, render(result, [run for run in known if run.result.started_at < result.started_at]))
    _write(kept, result.to_json())
    runs = sorted([(quote(page.name), result), *earlier], key=lambda run: run[0], reverse=True)
    older = len(stored) + 1 - len(runs)
    _write(folder / "index.html", _index(runs, older))
    return page


def stored_runs(folder: Path) -> list[Run]:
    """The kept results of a folder, latest first, as many as pages list; unreadable ones are left out."""
    latest = sorted(folder.glob("*.json"), reverse=True)[:MAX_LISTED]
    return [Run(name, result) for name, result in _told(latest) if result]


def latest_results(folder: Path, subjects: Collection[str]) -> dict[str, GateResult]:
    """The latest kept result about each subject, among the runs that pages list; some may have none."""
    found: dict[str, GateResult] = {}
    for path in sorted(folder.glob("*.json"), reverse=True)[:MAX_LISTED]:
        if found.keys() >= set(subjects):
            break
        result = _read(path)
        if result and result.subject in subjects:
            found.setdefault(result.subject, result)
    return found


def _told(stored: Sequence[Path]) -> list[tuple[str, GateResult | None]]:
    """Name of the page, fit for a link, and result of each stored run."""
    return [(quote(path.with_suffix(".html").name), _read(path)) for path in stored]


def _index(runs: Sequence[tuple[str, GateResult | None]], older: int) -> str:
    """The history of a folder, newest first."""
    return _TEMPLATES.get_template("index.html.j2").render(runs=runs, older=older, words=_WORDS)


def _read(path: Path) -> GateResult | None:
    """A stored result, or None where the file holds anything else (an older format, a damaged disk)."""
    try:
        return GateResult.from_json(path.read_bytes())
    except ValidationError:
        return None


def _write(path: Path, text: str) -> None:
    """Write a whole file under a temporary name, then give it its name."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
