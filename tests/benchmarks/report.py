"""The page docs/performance.md: what was measured, as ratios."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.scale import Scale


@dataclass(frozen=True)
class Report:
    """Seconds, except `peak_bytes`; `steps` are of the typical full build, `by_history` has days before."""

    scale: Scale
    floor: float
    full: float
    peak_bytes: int
    steps: dict[str, float]
    nothing: float
    empty: float
    night: float
    by_history: dict[int, float]
    answers: dict[str, float]


def write_report(report: Report, page: Path) -> str:
    """Write the page, and return it."""
    text = to_markdown(report)
    page.write_text(text)
    return text


def to_markdown(report: Report) -> str:
    """The whole page."""
    scale, few, many = report.scale, *sorted(report.by_history)
    few_night, many_night = report.by_history[few], report.by_history[many]
    asked = report.answers.values()
    beyond = max(report.night - report.empty, 0)
    rows = [
        ("full build, dumps to release", f"{report.full / report.floor:.1f} times the floor", "at most 5"),
        ("peak memory of a full build", f"{report.peak_bytes / 2**30:.1f} GiB", "at most 6"),
        ("fixed cost: a night with one event", f"{report.empty:.0f} s", "at most 25"),
        ("a start when nothing is new", f"{report.nothing:.1f} s", ""),
        (
            f"the next night, {scale.events // scale.days:,} events, beyond the fixed cost",
            f"{beyond / report.full:.1%} of the full build",
            "at most 10 %",
        ),
        (
            f"a night after {many} days of history",
            f"{many_night / few_night:.2f} times one after {few}",
            "at most 1.3",
        ),
        (
            "twelve questions of analysts, median",
            f"{1000 * median(asked):.0f} ms",
            "under 100",
        ),
        ("the slowest of them", f"{1000 * max(asked):.0f} ms", "under 500"),
    ]
    steps = sum(report.steps.values())
    shares = [
        (name, f"{seconds:.1f} s", f"{seconds / report.full:.0%}") for name, seconds in report.steps.items()
    ]
    shares.append(
        ("start, end and imports", f"{report.full - steps:.1f} s", f"{1 - steps / report.full:.0%}")
    )
    answers = [(name, f"{seconds * 1000:.0f}") for name, seconds in report.answers.items()]
    return f"""# Performance

Written by `make bench`; do not edit. {scale.events:,} events over {scale.days} days, {scale.persons:,}
persons,
{scale.orders:,} orders, as Parquet dumps a day; 1 % of a day's events are up to 60 days late. Medians of
three.

{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, DuckDB {version("duckdb")},
dbt {version("dbt-core")}, Dagster {version("dagster")}, Great Expectations {version("great-expectations")}.

The *floor* is one DuckDB script that reads the same files of raw once and writes the aggregate of person and
day (`tests/benchmarks/floor.sql`): {report.floor:.2f} s. Targets are for 30 million events.

{table(("what", "measured", "target"), rows)}

## Where the time of a full build goes

{table(("step", "time", "share"), shares)}

## Questions of analysts

{table(("question", "ms"), answers)}
"""


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
