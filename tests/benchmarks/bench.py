"""`make bench`: the real program on dumps of any size, against a floor measured in the same run."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.measure import Measured, aipl, measure
from benchmarks.peers import Peer, compare, write_inputs
from benchmarks.queries import QUERIES
from benchmarks.report import Build, Report, write_report
from benchmarks.scale import Scale, sources_file, write_dumps
from orchestration.core.settings import PROJECT_ROOT

REPEATS = 3
EVENTS_A_PERSON = 40
STEP = re.compile(r"^(pull|warehouse|mart gate|release)\b.*\((\d+\.\d) s\)$", re.MULTILINE)


@dataclass(frozen=True)
class Plan:
    """What to measure: one scale in depth, other numbers of events, nights after other numbers of days."""

    scale: Scale
    growth: tuple[int, ...]
    histories: tuple[int, ...]
    has_peers: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Plan:
        """EVENTS and DAYS of the scale; GROWTH and HISTORIES as lists of numbers; PEERS=no."""
        events, days = int(environment.get("EVENTS", "3000000")), int(environment.get("DAYS", "180"))
        return cls(
            scale=Scale(events, days, events // EVENTS_A_PERSON, events // EVENTS_A_PERSON),
            growth=_numbers(environment.get("GROWTH", f"{events // 3}")),
            histories=_numbers(environment.get("HISTORIES", "30 90 180 360")),
            has_peers=environment.get("PEERS", "yes") != "no",
        )


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
        found = measure(aipl("run"), self.environment)
        say(f"{self.folder.name}: a run to day {self.day}, {found.seconds:.1f} s")
        return found

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

    def correction(self) -> Measured:
        """A night that brings almost nothing: the reviews of the last day again, without one of them."""
        reviews = max((self.folder / "dumps").glob("reviews-*.parquet"))
        shorter = reviews.with_suffix(".new")
        duckdb.execute(f"""
            copy (from '{reviews}' where review_id <> (select max(review_id) from '{reviews}'))
            to '{shorter}' (format parquet)
        """)
        shorter.replace(reviews)
        return self.run()

    def night(self, events: int) -> Measured:
        """The next day comes, with so many events."""
        one = Scale(events * (self.day + 1), self.day + 1, self.scale.persons, self.scale.orders)
        write_dumps(self.folder / "dumps", one, range(self.day, self.day + 1))
        self.day += 1
        return self.run()

    def peers(self, folder: Path) -> list[Peer]:
        """The stages of the last full build by other ways."""
        folder.mkdir()
        compiled = next(
            (self.home / "dbt/runs").glob("*/compiled/aipl/models/marts/aipl/fct_aipl_stage_history.sql")
        )
        write_inputs(self.home / "warehouse/warehouse.duckdb", compiled, folder)
        found = compare(folder, REPEATS)
        say("\n".join(f"{peer.name}: {peer.skipped or f'{peer.seconds:.1f} s'}" for peer in found))
        shutil.rmtree(folder)
        return found

    def answers(self) -> dict[str, float]:
        """Seconds by question on the current release, each in the median of three."""
        with duckdb.connect(str(self.home / "published/current/marts.duckdb"), read_only=True) as connection:

            def ask(query: str) -> object:
                return connection.execute(query).fetchall()

            return {
                name: median(_seconds(partial(ask, query)) for _ in range(REPEATS))
                for name, query in QUERIES.items()
            }


def bench(plan: Plan, folder: Path) -> Report:
    """Measure one scale, and how its costs grow."""
    scale = plan.scale
    shop = Shop(folder / "shop", scale)
    builds, floors = [], []
    for _ in range(REPEATS):
        builds.append(shop.full_build())
        floors.append(shop.floor())
    typical = sorted(builds, key=lambda build: build.seconds)[REPEATS // 2]
    full = Build(scale.events, median(floors), typical.seconds, max(build.peak_bytes for build in builds))
    in_dbt = dbt_seconds(shop.home)
    peers = shop.peers(folder / "peers") if plan.has_peers else []
    nothing = [shop.run() for _ in range(REPEATS)]
    corrections = [shop.correction() for _ in range(REPEATS)]
    a_day = scale.events // scale.days
    nights = [shop.night(a_day) for _ in range(REPEATS)]
    answers = shop.answers()
    shutil.rmtree(shop.folder)
    return Report(
        scale=scale,
        full=full,
        steps={name: float(seconds) for name, seconds in STEP.findall(typical.output)},
        in_dbt=in_dbt,
        nothing=median(run.seconds for run in nothing),
        correction=median(run.seconds for run in corrections),
        night=median(run.seconds for run in nights),
        growth=sorted([full, *(build_of(folder, sized(scale, events)) for events in plan.growth)]),
        nights={days: night_after(folder, scale, days) for days in plan.histories},
        peers=peers,
        answers=answers,
    )


def sized(scale: Scale, events: int) -> Scale:
    """As many days, with more or less on each."""
    return Scale(events, scale.days, events // EVENTS_A_PERSON, events // EVENTS_A_PERSON)


def build_of(folder: Path, scale: Scale) -> Build:
    """One full build of a scale, and its floor."""
    shop = Shop(folder / f"events-{scale.events}", scale)
    built = shop.full_build()
    floor = median(shop.floor() for _ in range(REPEATS))
    shutil.rmtree(shop.folder)
    return Build(scale.events, floor, built.seconds, built.peak_bytes)


def night_after(folder: Path, scale: Scale, days: int) -> float:
    """Seconds of a night after so many days of history, with persons and a day's events as in `scale`."""
    a_day = scale.events // scale.days
    size = Scale(a_day * days, days, scale.persons, scale.orders * days // scale.days)
    shop = Shop(folder / f"days-{days}", size)
    shop.run()
    seconds = median(shop.night(a_day).seconds for _ in range(REPEATS))
    shutil.rmtree(shop.folder)
    return seconds


def dbt_seconds(home: Path) -> dict[str, float]:
    """Seconds by kind of node that the last dbt run spent in them, side by side or not."""
    results = max((home / "dbt/runs").glob("*/run_results.json"), key=lambda path: path.stat().st_mtime)
    seconds: dict[str, float] = {}
    for result in json.loads(results.read_text())["results"]:
        kind = result["unique_id"].partition(".")[0]
        seconds[kind] = seconds.get(kind, 0) + result["execution_time"]
    return seconds


def say(line: str) -> None:
    """Tell whoever waits how far it is."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Sizes come from the environment; dumps and homes lie in a temporary folder."""
    plan = Plan.from_environment(os.environ)
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCRATCH")) as folder:
        report = bench(plan, Path(folder))
    sys.stdout.write(write_report(report, PROJECT_ROOT / "docs"))


if __name__ == "__main__":
    main()
