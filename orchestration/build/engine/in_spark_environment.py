"""Run by the Python of the environment of Spark, which has dbt-spark and PySpark and nothing of this program.

    python in_spark_environment.py dbt ARGUMENTS      dbt's own command line
    python in_spark_environment.py sql < statements   JSON: a list of texts, and a limit of rows; prints the
                                                      columns and first rows of the last one as JSON

It ends when its standard input does, and so with the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
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


if __name__ == "__main__":
    if sys.argv[1] == "dbt":
        run_dbt(sys.argv[2:])
    else:
        statements, limit = json.load(sys.stdin)
        print(json.dumps(run_sql(statements, limit), default=str))
