"""The queries of docs/queries: what the pages have, what the queries may read and show.

Their outputs are tested with those of docs/metrics, in `end_to_end/test_docs.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest
from examples import QUERIES, examples

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.personal import personal_columns

INDEX = (PROJECT_ROOT / "docs" / "queries" / "README.md").read_text()
DBT_PROJECT = PROJECT_ROOT / "dbt_project"
MARTS = read_contracts(DBT_PROJECT)
STANDARD_FUNCTIONS = {"cast", "count", "max", "min", "round", "sum"}
pages = pytest.mark.parametrize("page", QUERIES, ids=lambda page: page.stem)


def cells(output: str) -> list[dict[str, str]]:
    """The rows of an output by its columns, which are as wide as the line below their names."""
    head, line, *rows = output.splitlines()
    spans = [found.span() for found in re.finditer(r"-+", line)]
    names = [head[start:end].strip() for start, end in spans]
    return [dict(zip(names, (row[start:end].strip() for start, end in spans), strict=True)) for row in rows]


def test_the_index_lists_all_by_their_questions() -> None:
    titles = {page.name: page.read_text().splitlines()[0].removeprefix("# ") for page in QUERIES}
    assert len(titles) == 24
    assert {name: title for title, name in re.findall(r"\[(.*?)\]\(([\w-]+\.md)\)", INDEX)} == titles


@pages
def test_a_page_is_a_question_the_reason_and_one_answer_that_tells_of_nobody(page: Path) -> None:
    title, reason, *_ = page.read_text().split("\n\n")
    assert title.endswith("?")
    assert len(reason.split()) >= 20
    ((_, output),) = examples(page)
    assert cells(output)
    personal = {column for columns in personal_columns(MARTS).values() for column in columns}
    for row in cells(output):
        assert row.keys() & personal == set()
        assert int(row.get("persons", "5")) >= 5


@pages
def test_a_query_is_standard_sql_on_published_marts(page: Path) -> None:
    # Here, so that it is imported by the one process that runs this test.
    from sqlfluff.core import Linter

    ((sql, _),) = examples(page)
    parsed = Linter(dialect="ansi").parse_string(sql)
    assert parsed.violations == []
    (tree,) = [variant.tree for variant in parsed.parsed_variants]
    assert tree is not None
    assert [statement.raw for statement in tree.recursive_crawl("unparsable")] == []
    (statement,) = tree.recursive_crawl("statement")
    assert statement.segments[0].is_type("select_statement", "with_compound_statement")
    assert {name.raw.lower() for name in tree.recursive_crawl("function_name")} <= STANDARD_FUNCTIONS
    assert "::" not in sql
    with duckdb.connect() as connection:
        assert {*connection.get_table_names(sql)} <= MARTS.keys()
