"""The two gates: validate arriving loads, and marts before publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.comparison import compared
from expectations.figures import in_figures
from expectations.profile import arrival_profile, judgements
from expectations.results import ExpectationResult, GateResult
from expectations.signs import signs, with_signs
from expectations.suites.arrival import OWNER, ArrivalTable, arrival_suite
from expectations.suites.rule import Suite
from expectations.validation import error_result, quiet_context, told, validate

# A rule concerns what its rows name, else everything.
SCOPES = ("source_id", "brand_id")

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource


def run_arrival(tables: Sequence[ArrivalTable]) -> GateResult:
    """Judge each load date of every arriving table; see `refused_load_dates()` of the result.

    A table that cannot be read makes the outcome 'error': then accept nothing and refuse nothing.
    """
    started = datetime.now(UTC)
    context = quiet_context()
    source = context.data_sources.add_pandas("arrival")
    results: list[ExpectationResult] = []
    for table in tables:
        try:
            suite = arrival_suite(table)
            judged, found = judgements(table, suite), signs(table)
            asset = source.add_dataframe_asset(table.name)
            batch = asset.add_batch_definition_whole_dataframe("loads").get_batch(
                {"dataframe": arrival_profile(table, judged, found)}
            )
            rules = {rule.name: rule for rule in suite.rules}
            results += [
                compared(result, judged[result.name])
                if result.name in judged
                else with_signs(result, found[result.name])
                if result.name in found
                else in_figures(result, rules[result.name], table)
                for result in validate(batch, suite, complete=True)
            ]
        except _suite_errors() as error:
            results.append(error_result(table.name, table.owner, told(str(error))))
    subject = ", ".join(sorted({table.source_id for table in tables}))
    return GateResult("arrival", subject or "nothing", started, datetime.now(UTC), tuple(results))


def run_marts(database: Path, suites: Sequence[Suite], *, previous: Path | None = None) -> GateResult:
    """Validate the marts of one DuckDB file, opened read-only, by their suites.

    `previous` is the folder of the release that a release is compared with; without one it is its own.
    A missing file, mart or column is an error. The file is free again when this returns.
    """
    started = datetime.now(UTC)
    try:
        results = _mart_results(database, previous or database.parent, suites)
    except _suite_errors() as error:
        results = [error_result(database.name, OWNER, told(str(error)))]
    return GateResult("marts", database.name, started, datetime.now(UTC), tuple(results))


def _mart_results(database: Path, previous: Path, suites: Sequence[Suite]) -> list[ExpectationResult]:
    """Results of the suites, in order."""
    from expectations.compat.duckdb_dialect import read_only_url

    source = quiet_context().data_sources.add_sql(
        "warehouse", connection_string=read_only_url(database, previous), create_temp_table=False
    )
    try:
        return [result for suite in suites for result in _mart_result(source, suite)]
    finally:
        # The library opens the file twice; a connection left open would block the writer.
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()


def _mart_result(source: SQLDatasource, suite: Suite) -> list[ExpectationResult]:
    """Results of one mart."""
    try:
        if suite.computed:
            # Of a table Great Expectations selects a row first, for which all of a view is computed.
            query = source.add_query_asset(suite.table, query=f"select * from {suite.table}")
            batch = query.add_batch_definition_whole_table("all").get_batch()
        else:
            table = source.add_table_asset(suite.table, table_name=suite.table)
            batch = table.add_batch_definition_whole_table("all").get_batch()
        return [_traced(source, suite, result) for result in validate(batch, suite)]
    except _suite_errors() as error:
        return [error_result(suite.table, suite.owner, told(str(error)))]


def _traced(source: SQLDatasource, suite: Suite, result: ExpectationResult) -> ExpectationResult:
    """A blocking finding with the sources or brands of all its unexpected rows, as far as they name any."""
    rule = next((rule for rule in suite.rules if rule.name == result.name), None)
    if rule is None or result.verdict != "failed" or not rule.unexpected:
        return result
    table = f"marts.{suite.table}"
    rows = f"({rule.unexpected.replace('{batch}', table)}) as unexpected"
    with source.get_engine().connect() as connection:

        def columns(of: str) -> set[str]:
            return set(connection.exec_driver_sql(f"select * from {of} limit 0").keys())

        found, of_mart = columns(rows), columns(table)
        for scope in SCOPES:
            if scope in found:
                query = f"select distinct {scope} from {rows}"
            elif scope in of_mart and set(suite.key) <= found:
                query = (
                    f"select distinct {scope} from {table} inner join {rows} using ({', '.join(suite.key)})"
                )
            else:
                continue
            names = [name for (name,) in connection.exec_driver_sql(query)]
            return replace(result, named={} if None in names else {scope: tuple(sorted(names))})
    return result


def _suite_errors() -> tuple[type[Exception], ...]:
    """Exceptions that can stop a suite without a bug in our own code."""
    import duckdb
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from sqlalchemy.exc import SQLAlchemyError

    return (GreatExpectationsError, SQLAlchemyError, duckdb.Error, OSError, ValueError)
