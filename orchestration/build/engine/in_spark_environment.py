"""Run by the Python of the environment of Spark, which has dbt-spark, PySpark and nothing of this program.

    python in_spark_environment.py dbt ARGUMENTS      dbt's own command line
    python in_spark_environment.py sql < statements   JSON: a list of texts, and a limit of rows; prints the
                                                      columns and first rows of the last one as JSON
    python in_spark_environment.py files < folders    JSON: a list of folders of tables in Delta or Iceberg;
                                                      prints their Parquet files as JSON, a list for each

It ends when its standard input does, and so with the process that started it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from functools import cache
from pathlib import Path
from typing import Any


def run_dbt(arguments: list[str]) -> None:
    """Run dbt; exits with its code."""
    from dbt.cli.main import cli

    def end_with_parent() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    cli(arguments)


def run_sql(statements: list[str], limit: int) -> dict[str, Any]:
    """Columns and first rows of the last statement, or the error of the first that failed."""
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "UTC")
    columns: list[str] = []
    rows: list[list[Any]] = []
    for number, statement in enumerate(statements, 1):
        try:
            frame = session.sql(statement)
            if number == len(statements):
                columns, rows = frame.columns, [list(row) for row in frame.limit(limit).collect()]
        except PySparkException as error:
            return {"error": str(error).partition("\n")[0], "condition": error.getCondition() or ""}
    return {"columns": columns, "rows": rows}


def delta_files(folder: str) -> list[str]:
    """Parquet files with the rows of a Delta table, and nothing but them.

    Raises ValueError when rows of a file are deleted by a vector beside it.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    from deltalake import DeltaTable

    table = DeltaTable(folder)
    if "deletionVectors" in (table.protocol().reader_features or ()):
        raise ValueError(f"{folder} is a Delta table with deletion vectors, which DuckDB does not read")
    files: list[str] = table.file_uris()
    if files:
        return files
    # Delta leaves out what begins with an underscore.
    empty = f"{folder}/_no_rows.parquet"
    pq.write_table(pa.schema(table.schema()).empty_table(), empty)
    return [empty]


def iceberg_files(folder: str) -> list[str]:
    """As `delta_files`, of a table in Iceberg: its catalog alone knows which of its versions is in force.

    Raises ValueError when rows of a file are deleted by a file beside it.
    """
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    schema, name = Path(folder).parts[-2:]
    # Iceberg's views have metadata as well, and a build that failed leaves its folders.
    if name not in tables_of(schema):
        return []
    table = f"`{schema}`.`{name}`"
    files = session.sql(f"select content, file_path from {table}.files").collect()
    if any(file["content"] for file in files):
        raise ValueError(f"{folder} is an Iceberg table with delete files, which DuckDB does not read")
    if files:
        return [re.sub("^file:/+", "/", file["file_path"]) for file in files]
    empty = f"{folder}/no_rows"
    session.table(table).limit(0).write.mode("overwrite").parquet(empty)
    return [str(path) for path in Path(empty).glob("*.parquet")]


@cache
def tables_of(schema: str) -> set[str]:
    """Names of the tables of a schema; Spark shows views among them."""
    from pyspark.sql import SparkSession

    session = SparkSession.builder.getOrCreate()
    shown, views = (session.sql(f"show {kind} in `{schema}`").collect() for kind in ("tables", "views"))
    return {row[1] for row in shown} - {row[1] for row in views}


def table_files(folder: str) -> list[str]:
    """Parquet files of a table in Delta or Iceberg. Raises ValueError when some of their rows are deleted."""
    return delta_files(folder) if Path(folder, "_delta_log").exists() else iceberg_files(folder)


if __name__ == "__main__":
    if sys.argv[1] == "dbt":
        run_dbt(sys.argv[2:])
    elif sys.argv[1] == "files":
        print(json.dumps({folder: table_files(folder) for folder in json.load(sys.stdin)}))
    else:
        statements, limit = json.load(sys.stdin)
        print(json.dumps(run_sql(statements, limit), default=str))
