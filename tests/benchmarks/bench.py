"""`make bench`: the real program on dumps of any size, against a floor measured in the same run."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.measure import Measured, aipl, measure
from benchmarks.queries import QUERIES
from benchmarks.report import Report, write_report
from benchmarks.scale import Scale, sources_file, write_dumps
from orchestration.settings import PROJECT_ROOT

REPEATS = 3
STEP = re.compile(r"^(pull|warehouse|mart gate|release)\b.*\((\d+\.\d) s\)$", re.MULTILINE)


class Shop:
    """A home with the dumps of a scale, and the nights that follow them."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder, self.scale, self.day = folder, scale, scale.days
        write_dumps(folder / "dumps", scale, range(scale.days))
        (folder / "sources.yml").write_text(sources_file(PROJECT_ROOT, folder / "dumps"))
        self.home = folder / "home"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "AIPL_HOME": str(self.home), "AIPL_SOURCES": str(self.folder / "sources.yml")}

    def run(self) -> Measured:
        """What lies in the dumps and is not loaded yet, to a published release."""
        return measure(aipl("run"), self.environment)

    def full_build(self) -> Measured:
        """The same in an empty home."""
        shutil.rmtree(self.home, ignore_errors=True)
        return self.run()

    def floor(self) -> float:
        """Seconds that reading raw once and aggregating it takes, in a process of DuckDB alone."""
        with duckdb.connect(str(self.folder / "floor.duckdb")) as connection:
            connection.execute("set variable raw = ?", [str(self.home / "raw")])
            connection.execute("drop table if exists person_days")
            script = (Path(__file__).parent / "floor.sql").read_text()
            return _seconds(lambda: connection.execute(script))

    def night(self, events: int) -> Measured:
        """The next day comes, with so many events."""
        one = Scale(events * (self.day + 1), self.day + 1, self.scale.persons, self.scale.orders)
        write_dumps(self.folder / "dumps", one, range(self.day, self.day + 1))
        self.day += 1
        return self.run()

    def answers(self) -> dict[str, float]:
        """Seconds by question on the current release, each in the median of three."""
        with duckdb.connect(str(self.home / "published/current/marts.duckdb"), read_only=True) as connection:

            def ask(query: str) -> object:
                return connection.execute(query).fetchall()

            return {
                name: median(_seconds(partial(ask, query)) for _ in range(REPEATS))
                for name, query in QUERIES.items()
            }


def bench(scale: Scale, folder: Path) -> Report:
    """Measure one scale."""
    shop = Shop(folder / "shop", scale)
    builds, floors = [], []
    for _ in range(REPEATS):
        builds.append(shop.full_build())
        floors.append(shop.floor())
    nothing = [shop.run() for _ in range(REPEATS)]
    empty = [shop.night(1) for _ in range(REPEATS)]
    a_day = scale.events // scale.days
    nights = [shop.night(a_day) for _ in range(REPEATS)]
    answers = shop.answers()
    by_history = {}
    for days in (scale.days // 2, scale.days * 2):
        share = days / scale.days
        size = Scale(a_day * days, days, scale.persons, round(scale.orders * share))
        other = Shop(folder / f"days-{days}", size)
        other.run()
        by_history[days] = median(other.night(a_day).seconds for _ in range(REPEATS))
        shutil.rmtree(other.folder)
    typical = sorted(builds, key=lambda build: build.seconds)[REPEATS // 2]
    return Report(
        scale=scale,
        floor=median(floors),
        full=typical.seconds,
        peak_bytes=max(build.peak_bytes for build in builds),
        steps={name: float(seconds) for name, seconds in STEP.findall(typical.output)},
        nothing=median(run.seconds for run in nothing),
        empty=median(run.seconds for run in empty),
        night=median(run.seconds for run in nights),
        by_history=by_history,
        answers=answers,
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Sizes come from EVENTS and DAYS; dumps and homes lie in a temporary folder."""
    events, days = int(os.environ.get("EVENTS", "3000000")), int(os.environ.get("DAYS", "180"))
    scale = Scale(events, days, persons=events // 40, orders=events // 40)
    with tempfile.TemporaryDirectory() as folder:
        report = bench(scale, Path(folder))
    page = write_report(report, PROJECT_ROOT / "docs/performance.md")
    sys.stdout.write(page)


if __name__ == "__main__":
    main()
