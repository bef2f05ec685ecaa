"""The page docs/performance.md and its picture: what was measured, as ratios."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.peers import Peer
from benchmarks.scale import Scale

GIB = 2**30


@dataclass(frozen=True, order=True)
class Build:
    """A full build of so many events: seconds of the floor and of the program, its peak memory in bytes."""

    events: int
    floor: float
    full: float
    peak_bytes: int


@dataclass(frozen=True)
class Report:
    """Seconds; `steps` are of the typical build, `in_dbt` by kind of node, `nights` by days of history."""

    scale: Scale
    full: Build
    steps: dict[str, float]
    in_dbt: dict[str, float]
    nothing: float
    correction: float
    night: float
    growth: list[Build]
    nights: dict[int, float]
    peers: list[Peer]
    answers: dict[str, float]


def write_report(report: Report, docs: Path) -> str:
    """Write the page and its picture, and return the page."""
    text = to_markdown(report)
    (docs / "performance.md").write_text(text)
    draw(report, docs / "performance.svg")
    return text


def draw(report: Report, picture: Path) -> None:
    """Builds by number of events, and nights by days of history, as multiples of the floor."""
    import matplotlib
    from matplotlib.figure import Figure

    # Text as text: a page that can be compared and searched.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "aipl"})
    panels = 2 if report.nights else 1
    figure = Figure(figsize=(4.5 * panels, 3.6), layout="constrained")
    by_events, *others = figure.subplots(1, panels, squeeze=False)[0]
    events = [build.events for build in report.growth]
    by_events.loglog(
        events, [build.full for build in report.growth], "o-", color="#0b5394", label="full build"
    )
    by_events.loglog(events, [build.floor for build in report.growth], "s--", color="#b45f06", label="floor")
    by_events.set(xlabel="events", ylabel="seconds", title="A full build")
    by_events.legend(frameon=False)
    for by_days in others:
        nights = sorted(report.nights.items())
        by_days.plot([days for days, _ in nights], [seconds for _, seconds in nights], "o-", color="#0b5394")
        by_days.axhline(report.nothing, color="#666666", linewidth=1, linestyle=":")
        by_days.set(xlabel="days of history", ylabel="seconds", title="The next night", ylim=(0, None))
    for axes in (by_events, *others):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    figure.savefig(picture, metadata={"Date": None})


def targets(report: Report) -> list[tuple[str, str, str]]:
    """What was measured against what issue and users ask for."""
    scale, full, asked = report.scale, report.full, report.answers.values()
    beyond = max(report.night - report.correction, 0)
    in_dbt = sum(report.in_dbt.values())
    tests = report.steps.get("warehouse", 0) * report.in_dbt.get("test", 0) / in_dbt
    few, many, largest = 90, 360, max(report.growth)
    rows = [
        (
            f"full build of {largest.events:,} events, dumps to release",
            f"{largest.full / largest.floor:.0f} times the floor",
            "at most 5",
        ),
        ("its peak memory", f"{largest.peak_bytes / GIB:.1f} GiB", "at most 6"),
        ("fixed cost: a run that corrects one row", f"{report.correction:.0f} s", "at most 25"),
        ("a run with nothing new", f"{report.nothing:.1f} s", ""),
        (
            f"the next daily run, {scale.events // scale.days:,} events, above the fixed cost",
            f"{beyond / full.full:.1%} of the full build",
            "at most 10 %",
        ),
        ("dbt tests", f"{tests / full.full:.0%} of the full build", "at most 15 %"),
        (
            "Great Expectations on the marts",
            f"{report.steps.get('mart gate', 0) / full.full:.0%} of the full build",
            "at most 15 %",
        ),
        ("twelve analysts' questions, median", f"{1000 * median(asked):.0f} ms", "under 100"),
        ("the slowest of them", f"{1000 * max(asked):.0f} ms", "under 500"),
    ]
    if few in report.nights and many in report.nights:
        ratio = report.nights[many] / report.nights[few]
        rows.insert(5, (f"a run after {many} days", f"{ratio:.2f} times one after {few}", "at most 1.3"))
    return rows


def to_markdown(report: Report) -> str:
    """The whole page."""
    scale, full = report.scale, report.full
    others = full.full - sum(report.steps.values())
    shares = [
        (name, f"{seconds:.1f}", f"{seconds / full.floor:.1f}", f"{seconds / full.full:.0%}")
        for name, seconds in [*report.steps.items(), ("start, end and imports", others)]
    ]
    growth = [
        (
            f"{build.events:,}",
            f"{build.floor:.2f}",
            f"{build.full:.1f}",
            f"{build.full / build.floor:.0f}",
            f"{build.peak_bytes / GIB:.1f}",
        )
        for build in report.growth
    ]
    nights = [(f"{days}", f"{seconds:.1f}") for days, seconds in sorted(report.nights.items())]
    answers = [(name, f"{seconds * 1000:.0f}") for name, seconds in report.answers.items()]
    return f"""# Performance

Written by `make bench`; do not edit. {scale.events:,} events over {scale.days} days, {scale.persons:,}
people, {scale.orders:,} orders, as daily Parquet dumps; 1 % of a day's events are up to 60 days late.
Medians of three; sizes other than {scale.events:,} are one build each.

{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, DuckDB {version("duckdb")},
dbt {version("dbt-core")}, Dagster {version("dagster")}, Great Expectations {version("great-expectations")}.

The *floor* is one DuckDB script that reads the same raw files once and writes one aggregate per person
and day (`tests/benchmarks/floor.sql`): {full.floor:.2f} s. Targets are for 30 million events.

{table(("what", "measured", "target"), targets(report))}

## Where a full build spends its time

*pull* includes the arrival gate, *warehouse* the dbt tests.

{table(("step", "seconds", "times the floor", "share"), shares)}

## How cost grows

![Seconds of a full build by events, and of a daily run by days of history](performance.svg)

{table(("events", "floor, s", "full build, s", "times the floor", "peak, GiB"), growth)}

{table(("days of history", "next run, s"), nights) if nights else ""}
{peers_section(report)}
## Analysts' questions

{table(("question", "ms"), answers)}
"""


def peers_section(report: Report) -> str:
    """The other ways, where they were asked."""
    if not report.peers:
        return ""
    own = report.peers[0].seconds
    rows = [
        (peer.name, "", "", "", peer.skipped)
        if peer.skipped
        else (
            peer.name,
            f"{peer.seconds:.1f}",
            f"{peer.seconds / own:.1f}",
            f"{peer.rows:,}",
            "equal" if peer.is_equal else "DIFFERENT",
        )
        for peer in report.peers
    ]
    return f"""
## Other ways to compute the same stages

The stages of every person on every day, from the same Parquet files to a Parquet file, each in its own
process (`tests/benchmarks/peers.py`), without start and imports. All but the first write one row per person
and day above rank 0; the first writes one row per interval of days, expanded here for comparison.

{table(("way", "seconds", "times ours", "rows", "stages"), rows)}
"""


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
