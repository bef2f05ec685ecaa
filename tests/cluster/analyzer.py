"""Run by the Python of the environment of Spark: what an analyzer says of queries on empty tables.

    python analyzer.py REMOTE < JSON

Reads `tables`, columns and types of each by its name with the schema, and `queries` by name; prints, as JSON,
the first line of the error of each query that is not resolved. The tables stay as long as the session does.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession


def analyze(
    remote: str, tables: Mapping[str, Mapping[str, str]], queries: Mapping[str, str]
) -> dict[str, str]:
    """Errors by the name of the query."""
    session = SparkSession.builder.remote(remote).getOrCreate()
    for schema in sorted({name.split(".")[0] for name in tables}):
        session.sql(f"create schema if not exists {schema}")
    for name, columns in tables.items():
        declared = ", ".join(f"`{column}` {kind}" for column, kind in columns.items())
        session.sql(f"create table {name} ({declared}) using parquet")
    found = {}
    for name, query in queries.items():
        try:
            # Asking for the columns runs nothing.
            _ = session.sql(query).columns
        except PySparkException as error:
            found[name] = str(error).partition("\n")[0]
    return found


if __name__ == "__main__":
    print(json.dumps(analyze(sys.argv[1], **json.load(sys.stdin))))
