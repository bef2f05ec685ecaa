"""The stages of one build again, by the engine and by four usual ways; from Parquet to Parquet.

Each way runs in a process of its own and says how many seconds it took, without imports and start. Inputs,
in one folder: `touches` (brand, person, kind, day, day of the refund), `states`, `rules` of one preset, and
`span`, the first and the last day; for the engine also the tables that its compiled model reads. The usual
ways give one row a person and day with a stage above rank 0; the engine gives the history, whose days are
counted out afterwards to be compared.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import duckdb

PRESET = "consumer_asset"
RELATION = re.compile(r'"warehouse"\."(\w+)"\."(\w+)"')
LIMIT_SECONDS = 300
INPUTS = {
    "touches": "select brand_id, person_id, touch_kind, touch_date, refunded_on from marts.fct_person_days",
    "states": "select brand_id, person_id, state_kind, valid_from, valid_to from marts.fct_person_states",
    "rules": f"""
        select rule_id, kind, touch_kind, window_days, min_count, stage_rank from marts.dim_aipl_rule
        where preset = '{PRESET}'
    """,
    "span": "select min(touch_date) as first_day, max(touch_date) as last_day from marts.fct_person_days",
}


@dataclass(frozen=True)
class Peer:
    """Seconds and rows of one way, and whether it tells the stages of the engine; or why it was not asked."""

    name: str
    seconds: float = 0
    rows: int = 0
    is_equal: bool = False
    skipped: str = ""


def write_inputs(warehouse: Path, compiled: Path, folder: Path) -> None:
    """Write what the ways read, from a warehouse and the model of the engine as dbt compiled it in full."""
    model = compiled.read_text()
    (folder / "engine.sql").write_text(model)
    relations = {f"{schema}.{name}": f"from {schema}.{name}" for schema, name in RELATION.findall(model)}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for name, query in {**INPUTS, **relations}.items():
            connection.execute(f"copy ({query}) to '{folder / name}.parquet' (format parquet)")


def engine(folder: Path, target: Path) -> None:
    """The model of this project: islands of days, one row a stretch."""
    model = (folder / "engine.sql").read_text()
    with duckdb.connect() as connection:
        connection.execute("attach ':memory:' as warehouse")
        for schema, name in sorted(set(RELATION.findall(model))):
            connection.execute(f"create schema if not exists warehouse.{schema}")
            source = folder / f"{schema}.{name}.parquet"
            connection.execute(f"create view warehouse.{schema}.{name} as from '{source}'")
        connection.execute(f"copy ({model}) to '{target}' (format parquet)")


def usual_sql(folder: Path, target: Path) -> None:
    """DuckDB with a join of every day and its windows."""
    with duckdb.connect() as connection:
        for name in INPUTS:
            connection.execute(f"create view {name} as from '{folder / name}.parquet'")
        connection.execute((Path(__file__).parent / "usual.sql").read_text())
        connection.execute(f"copy stage_days to '{target}' (format parquet)")


def polars(folder: Path, target: Path) -> None:
    """Polars: every touch once for each day of its window."""
    import polars as pl

    touches, states, rules, span = (pl.scan_parquet(folder / f"{name}.parquet") for name in INPUTS)
    first_day, last_day = span.collect().row(0)
    alive = touches.join(rules.filter(pl.col("kind") == "touch"), on="touch_kind").with_columns(
        until=pl.min_horizontal(
            pl.col("touch_date") + pl.duration(days=pl.col("window_days")),
            pl.col("refunded_on"),
            pl.lit(last_day) + pl.duration(days=1),
        )
    )
    person = ["brand_id", "person_id", "as_of_date"]
    marks = (
        alive.filter(pl.col("touch_date") < pl.col("until"))
        .with_columns(as_of_date=pl.date_ranges("touch_date", "until", closed="left"))
        .explode("as_of_date")
        .group_by([*person, "rule_id", "stage_rank", "min_count"])
        .agg(touch_days=pl.col("touch_date").n_unique())
        .filter(pl.col("touch_days") >= pl.col("min_count"))
        .select([*person, "stage_rank"])
    )
    held = (
        states.join(rules.filter(pl.col("kind") == "state"), left_on="state_kind", right_on="touch_kind")
        .with_columns(
            since=pl.max_horizontal("valid_from", pl.lit(first_day)),
            until=pl.min_horizontal("valid_to", pl.lit(last_day) + pl.duration(days=1)),
        )
        .filter(pl.col("since") < pl.col("until"))
        .with_columns(as_of_date=pl.date_ranges("since", "until", closed="left"))
        .explode("as_of_date")
        .select([*person, "stage_rank"])
    )
    stages = pl.concat([marks, held]).group_by(person).agg(pl.col("stage_rank").max())
    stages.sink_parquet(target)


def pandas(folder: Path, target: Path) -> None:
    """pandas: a loop over the days, each with the touches that are in a window; keys as numbers."""
    import pandas as pd

    touches, states, rules, span = (pd.read_parquet(folder / f"{name}.parquet") for name in INPUTS)
    both = pd.concat([touches[["brand_id", "person_id"]], states[["brand_id", "person_id"]]])
    key, keys = pd.MultiIndex.from_frame(both).factorize()
    touches, states = touches.assign(key=key[: len(touches)]), states.assign(key=key[len(touches) :])
    day = "datetime64[s]"
    alive = touches.merge(rules[rules.kind == "touch"], on="touch_kind")
    alive["touch_date"] = alive.touch_date.astype(day)
    windows = alive.touch_date + pd.to_timedelta(alive.window_days, unit="D").astype("timedelta64[s]")
    alive["until"] = windows.where(windows < alive.refunded_on.astype(day), alive.refunded_on.astype(day))
    alive = alive[["key", "rule_id", "stage_rank", "min_count", "touch_date", "until"]]
    held = states.merge(rules[rules.kind == "state"], left_on="state_kind", right_on="touch_kind")
    valid_from, valid_to = held.valid_from.astype(day), held.valid_to.astype(day)
    parts = []
    for as_of in pd.date_range(span.first_day[0], span.last_day[0]):
        now = alive[(alive.touch_date <= as_of) & (as_of < alive.until)]
        once = now.loc[now.min_count == 1, ["key", "stage_rank"]]
        counted = now[now.min_count > 1].groupby(["key", "rule_id", "stage_rank", "min_count"])
        often = counted.touch_date.nunique().rename("touch_days").reset_index()
        often = often.loc[often.touch_days >= often.min_count, ["key", "stage_rank"]]
        state = held.loc[(valid_from <= as_of) & (as_of < valid_to), ["key", "stage_rank"]]
        ranks = pd.concat([once, often, state]).groupby("key").stage_rank.max()
        parts.append(pd.DataFrame({"key": ranks.index, "as_of_date": as_of, "stage_rank": ranks.to_numpy()}))
    stages = pd.concat(parts)
    named = keys.take(stages.key.to_numpy()).to_frame(index=False, name=["brand_id", "person_id"])
    stages = named.assign(as_of_date=stages.as_of_date.to_numpy(), stage_rank=stages.stage_rank.to_numpy())
    stages.to_parquet(target, index=False)


def pyspark(folder: Path, target: Path) -> float:
    """PySpark on this machine: every touch once for each day of its window. Gives its own seconds."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[*]").config("spark.driver.memory", "8g")
    spark = (
        builder.config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "8").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    started = time.perf_counter()
    for name in INPUTS:
        spark.read.parquet(str(folder / f"{name}.parquet")).createOrReplaceTempView(name)
    stages = spark.sql("""
        with alive as (
            select brand_id, person_id, rule_id, stage_rank, min_count, touch_date,
                least(
                    date_add(touch_date, cast(window_days as int)), refunded_on, date_add(last_day, 1)
                ) as until
            from touches join rules using (touch_kind) cross join span where kind = 'touch'
        ), held as (
            select brand_id, person_id, stage_rank, greatest(valid_from, first_day) as since,
                least(valid_to, date_add(last_day, 1)) as until
            from states join rules on state_kind = touch_kind cross join span where kind = 'state'
        ), touch_days as (
            select *, explode(sequence(touch_date, date_sub(until, 1))) as as_of_date
            from alive where touch_date < until
        ), judged as (
            select brand_id, person_id, as_of_date, rule_id, stage_rank, min_count,
                count(distinct touch_date) as touch_days
            from touch_days group by all
        ), marks as (
            select brand_id, person_id, as_of_date, stage_rank from judged where touch_days >= min_count
            union all
            select brand_id, person_id, explode(sequence(since, date_sub(until, 1))), stage_rank
            from held where since < until
        )
        select brand_id, person_id, as_of_date, max(stage_rank) as stage_rank from marks group by all
    """)
    stages.write.parquet(str(target))
    seconds = time.perf_counter() - started
    spark.stop()
    return seconds


WAYS: dict[str, tuple[str, Callable[[Path, Path], float | None]]] = {
    "engine": ("this project's model, DuckDB", engine),
    "usual_sql": ("DuckDB, the usual SQL", usual_sql),
    "polars": ("Polars", polars),
    "pandas": ("pandas", pandas),
    "pyspark": ("PySpark, local", pyspark),
}


def compare(folder: Path, repeats: int) -> list[Peer]:
    """Every way that this environment has, each in the median of some repeats."""
    wanted: tuple[int, int] | None = None
    peers = []
    for way, (name, _) in WAYS.items():
        if reason := _lacking(way):
            peers.append(Peer(name, skipped=reason))
            continue
        try:
            seconds = sorted(_timed(way, folder) for _ in range(repeats))[repeats // 2]
        except subprocess.TimeoutExpired:
            peers.append(Peer(name, skipped=f"no result after {LIMIT_SECONDS // 60} minutes"))
            continue
        rows, found = _fingerprint(way, folder)
        wanted = wanted or found
        peers.append(Peer(name, seconds, rows, found == wanted))
    return peers


def _lacking(way: str) -> str:
    if way == "pyspark" and not which("java"):
        return "there is no Java"
    if way in ("polars", "pyspark") and find_spec(way) is None:
        return f"{way} is not installed"
    return ""


def _timed(way: str, folder: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.peers", way, str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as process:
        try:
            told, failed = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            # Spark's Java outlives the Python that started it, and would go on writing.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise RuntimeError(f"{way} failed:\n{failed[-3000:]}")
    return float(told.split()[-1])


def _fingerprint(way: str, folder: Path) -> tuple[int, tuple[int, int]]:
    """Rows of a result, and the number and the sum of hashes of its days with a stage above rank 0."""
    target = folder / f"{way}.result"
    files = f"'{target}/*.parquet'" if target.is_dir() else f"'{target}'"
    history = f"""
        select brand_id, person_id, cast(unnest(range(
            greatest(valid_from, first_day), least(valid_to, last_day + 1), interval 1 day
        )) as date) as as_of_date, stage_rank
        from read_parquet({files}), '{folder / "span.parquet"}' where stage_rank > 0 and preset = '{PRESET}'
    """
    days = history if way == "engine" else f"from read_parquet({files})"
    with duckdb.connect() as connection:
        rows = connection.execute(f"select count(*) from read_parquet({files})").fetchone()
        found = connection.execute(f"""
            select count(*),
                sum(hash(brand_id, person_id, cast(as_of_date as date), stage_rank::integer)::hugeint)
            from ({days})
        """).fetchone()
    if rows is None or found is None:
        raise RuntimeError(f"{way} has no result")
    return int(rows[0]), (int(found[0]), int(found[1]))


def main() -> None:
    """`python -m benchmarks.peers WAY FOLDER`: run one way, say its seconds."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    target = folder / f"{way}.result"
    if target.is_dir():
        for file in target.iterdir():
            file.unlink()
        target.rmdir()
    target.unlink(missing_ok=True)
    # The first use of a library is not its work.
    if way in ("polars", "pandas"):
        __import__(way)
    started = time.perf_counter()
    own = WAYS[way][1](folder, target)
    sys.stdout.write(f"{own if own is not None else time.perf_counter() - started:.3f}\n")


if __name__ == "__main__":
    main()
