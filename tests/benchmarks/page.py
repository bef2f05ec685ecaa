"""The page docs/performance.md and its picture: what was measured, as ratios."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from benchmarks.scale import Scale

GIB = 2**30
SPARK = "\n## DuckDB and Spark\n"
PAGE = """# Performance

Written by `make bench`; do not edit. {scale.events:,} events over {scale.days} days, {scale.persons:,}
people, {scale.orders:,} orders, as daily Parquet dumps; 1 % of a day's events are up to 60 days late.
Medians of three; sizes other than {scale.events:,} are one build each.

{machine}, {cores} cores; Python {python}, DuckDB {duckdb},
dbt {dbt_core}, Dagster {dagster}, Great Expectations {great_expectations}.

The *floor* is one DuckDB script that reads the same raw files once and writes one aggregate per person
and day (`tests/benchmarks/floor.sql`): {floor:.2f} s. Targets are for 30 million events.

{targets}

## Where a full build spends its time

*pull* includes the arrival gate, *warehouse* the dbt tests.

{steps}

## How cost grows

![Seconds of a full build by events, and of a daily run by days of history](performance.svg)

{growth}

With {a_day:,} events a day:

{nights}

## Other ways to compute the same stages

The stages of every person on every day, from the same Parquet files to a Parquet file, each in its own
process (`tests/benchmarks/peers.py`), without start and imports. All but the first write one row per person
and day above rank 0; the first writes one row per interval of days, expanded here for comparison.

{peers}

## Analysts' questions

{answers}
"""
TOOLS = ("duckdb", "dbt-core", "dagster", "great-expectations")


@dataclass(frozen=True)
class Page:
    """What was measured.

    `runs` has a row a run: events, days, what, seconds, peak_bytes; of full builds also floor (seconds) and
    steps (seconds by name). `share_of_tests` is that of dbt's tests in dbt's nodes, `peers` are rows of their
    table, `answers` seconds by question.
    """

    scale: Scale
    runs: pd.DataFrame
    share_of_tests: float
    peers: Sequence[Sequence[str]]
    answers: Mapping[str, float]

    def write(self, docs: Path) -> str:
        """Write the page and its picture, and return the page."""
        scale = self.scale
        builds = self.runs[(self.runs.what == "full_build") & (self.runs.days == scale.days)]
        growth = builds.groupby("events").agg({"floor": "median", "seconds": "median", "peak_bytes": "max"})
        nights = self.runs[self.runs.what == "night"].groupby("days").seconds.median()
        floor, full = growth.loc[scale.events, ["floor", "seconds"]]
        # The steps of the build whose seconds are the median.
        (steps,) = builds[(builds.events == scale.events) & (builds.seconds == full)].steps
        shares = {**steps, "start, end and imports": full - sum(steps.values())}
        text = PAGE.format(
            scale=scale,
            a_day=scale.events // scale.days,
            floor=floor,
            machine=platform.machine(),
            cores=os.cpu_count(),
            python=platform.python_version(),
            **{tool.replace("-", "_"): version(tool) for tool in TOOLS},
            targets=table("what | measured | target", self.targets(growth, nights, steps)),
            steps=table(
                "step | seconds | times the floor | share",
                ((name, f"{s:.1f}", f"{s / floor:.1f}", f"{s / full:.0%}") for name, s in shares.items()),
            ),
            growth=table(
                "events | floor, s | full build, s | times the floor | peak, GiB",
                (
                    (f"{n:,}", f"{least:.2f}", f"{s:.1f}", f"{s / least:.0f}", f"{peak / GIB:.1f}")
                    for n, least, s, peak in growth.itertuples()
                ),
            ),
            nights=table("days of history | next run, s", ((f"{n}", f"{s:.1f}") for n, s in nights.items())),
            peers=table("way | seconds | times ours | rows | stages", self.peers),
            answers=table("question | ms", ((name, f"{1000 * s:.0f}") for name, s in self.answers.items())),
        )
        page = docs / "performance.md"
        # The last part is measured by `make prove-spark`.
        _, spark, measured = page.read_text().partition(SPARK)
        page.write_text(text + spark + measured)
        draw(growth, nights, docs / "performance.svg")
        return text

    def targets(
        self, growth: pd.DataFrame, nights: pd.Series[float], steps: Mapping[str, float]
    ) -> Iterator[tuple[str, str, str]]:
        """What was measured against what issue and users ask for."""
        own = self.runs[(self.runs.events == self.scale.events) & (self.runs.days == self.scale.days)]
        usual = own.groupby("what").seconds.median()
        full, fixed, largest = usual["full_build"], usual["correction"], growth.iloc[-1]
        tests, gate = steps["warehouse"] * self.share_of_tests, steps["mart gate"]
        asked, a_day = self.answers.values(), f"{self.scale.events // self.scale.days:,} events"
        times = f"{largest.seconds / largest.floor:.0f} times the floor"
        yield f"full build of {growth.index[-1]:,} events, dumps to release", times, "at most 5"
        yield "its peak memory", f"{largest.peak_bytes / GIB:.1f} GiB", "at most 6"
        yield "fixed cost: a run that corrects one row", f"{fixed:.0f} s", "at most 25"
        yield "a run with nothing new", f"{usual['nothing']:.1f} s", ""
        beyond = f"{max(usual['night'] - fixed, 0) / full:.1%} of the full build"
        yield f"the next daily run, {a_day}, above the fixed cost", beyond, "at most 10 %"
        if {90, 360} <= {*nights.index}:
            longer = f"{nights[360] / nights[90]:.2f} times one after 90"
            yield "a run after 360 days", longer, "at most 1.3"
        yield "dbt tests", f"{tests / full:.0%} of the full build", "at most 15 %"
        yield "Great Expectations on the marts", f"{gate / full:.0%} of the full build", "at most 15 %"
        yield "twelve analysts' questions, median", f"{1000 * median(asked):.0f} ms", "under 100"
        yield "the slowest of them", f"{1000 * max(asked):.0f} ms", "under 500"


def draw(growth: pd.DataFrame, nights: pd.Series[float], picture: Path) -> None:
    """Seconds of builds and floors by number of events, and of nights by days of history."""
    # Text as text: a page that can be compared and searched.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "aipl"})
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    by_events, by_days = figure.subplots(1, 2)
    by_events.loglog(growth.index, growth[["seconds", "floor"]], "o-", label=["full build", "floor"])
    by_events.set(xlabel="events", ylabel="seconds", title="A full build")
    by_events.legend()
    by_days.plot(nights.index, nights, "o-")
    by_days.set(xlabel="days of history", ylabel="seconds", title="The next night", ylim=(0, None))
    figure.savefig(picture, metadata={"Date": None})


def table(header: str, rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the header is a text with ` | ` between its columns."""
    lines = [header, " | ".join("---" for _ in header.split(" | ")), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)
