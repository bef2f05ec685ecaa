"""The stages of one build again, by the engine and by three usual ways; from Parquet to Parquet.

Each way runs in a process of its own and says how many seconds it took, without imports and start. Inputs,
in one folder: `touches` (brand, person, kind, day, day of the refund), `states`, `rules` of one preset, and
`span`, the first and the last day; for the engine also the tables that its compiled model reads. The usual
ways give one row a person and day with a stage above rank 0; the engine gives the history, whose days are
counted out afterwards to be compared.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import duckdb
import pandas as pd
import polars as pl

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
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse")
    for schema, name in sorted(set(RELATION.findall(model))):
        connection.execute(f"create schema if not exists warehouse.{schema}")
        source = folder / f"{schema}.{name}.parquet"
        connection.execute(f"create view warehouse.{schema}.{name} as from '{source}'")
    connection.execute(f"copy ({model}) to '{target}' (format parquet)")


def usual_sql(folder: Path, target: Path) -> None:
    """DuckDB with a join of every day and its windows."""
    connection = duckdb.connect()
    for name in INPUTS:
        connection.execute(f"create view {name} as from '{folder / name}.parquet'")
    connection.execute((Path(__file__).parent / "usual.sql").read_text())
    connection.execute(f"copy stage_days to '{target}' (format parquet)")


def polars(folder: Path, target: Path) -> None:
    """Polars: every touch once for each day of its window."""
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


WAYS = {
    "this project's model, DuckDB": engine,
    "DuckDB, the usual SQL": usual_sql,
    "Polars": polars,
    "pandas": pandas,
}


def compare(folder: Path, repeats: int) -> list[tuple[str, ...]]:
    """Every way in the median of some repeats: name, seconds, times the engine's, rows, and how it ended."""
    rows: list[tuple[str, ...]] = []
    own, wanted = 0.0, None
    for name in WAYS:
        command = [sys.executable, "-m", "benchmarks.peers", name, str(folder)]
        try:
            seconds = median(
                float(subprocess.check_output(command, timeout=LIMIT_SECONDS)) for _ in range(repeats)
            )
        except subprocess.TimeoutExpired:
            rows.append((name, "", "", "", f"no result after {LIMIT_SECONDS // 60} minutes"))
            continue
        count, *found = _fingerprint(name, folder)
        own, wanted = own or seconds, wanted or found
        ending = "equal" if found == wanted else "DIFFERENT"
        rows.append((name, f"{seconds:.1f}", f"{seconds / own:.1f}", f"{count:,}", ending))
    return rows


def _fingerprint(name: str, folder: Path) -> tuple[int, int, int]:
    """Rows of a result, and the number and the sum of hashes of its days with a stage above rank 0."""
    days = result = f"from '{_result(name, folder)}'"
    if WAYS[name] is engine:
        days = f"""
            select brand_id, person_id, unnest(range(
                greatest(valid_from, first_day), least(valid_to, last_day + 1), interval 1 day
            )) as as_of_date, stage_rank
            {result}, '{folder / "span.parquet"}' where stage_rank > 0 and preset = '{PRESET}'
        """
    (found,) = duckdb.execute(f"""
        select (select count(*) {result}), count(*),
            sum(hash(brand_id, person_id, as_of_date::date, stage_rank::integer)::hugeint)
        from ({days})
    """).fetchall()
    return found


def _result(name: str, folder: Path) -> Path:
    return folder / f"result of {WAYS[name].__name__}.parquet"


def main() -> None:
    """`python -m benchmarks.peers WAY FOLDER`: run one way, say its seconds without start and imports."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    started = time.perf_counter()
    WAYS[name](folder, _result(name, folder))
    sys.stdout.write(f"{time.perf_counter() - started:.3f}\n")


if __name__ == "__main__":
    main()
