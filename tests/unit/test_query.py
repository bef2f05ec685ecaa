"""Answers from the current release, in every format, and nothing but answers."""

from __future__ import annotations

import io
import json

import pyarrow.parquet
import pytest
from unit.publish_home import let_through, make_home

from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.publish.query import run_query, to_csv, to_json, to_parquet, to_text
from orchestration.publish.release import publish

ODD = (
    "select 'a,b' as text, null::integer as nothing, 59442.63::decimal(18,4) as money,"
    " date '2024-01-31' as day, 'nan'::double as odd, [1, 2] as list"
)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = make_home(tmp_path_factory.mktemp("home"))
    let_through(settings, "1" * 64)
    publish(settings)
    return settings


def test_formats(settings: Settings) -> None:
    result = run_query(settings, ODD)
    assert to_csv(result).decode().splitlines() == [
        "text,nothing,money,day,odd,list",
        '"a,b",,59442.6300,2024-01-31,nan,"[1, 2]"',
    ]
    assert json.loads(to_json(result)) == [
        {"text": "a,b", "nothing": None, "money": 59442.63, "day": "2024-01-31", "odd": None, "list": [1, 2]}
    ]
    table = pyarrow.parquet.read_table(io.BytesIO(to_parquet(result)))
    assert str(table.schema.field("money").type) == "decimal128(18, 4)"
    with pytest.raises(InputError, match="alias"):
        to_json(run_query(settings, "select 1 as a, 2 as a"))


@pytest.mark.parametrize(("limit", "is_cut"), [(1, True), (2, True), (3, False), (400_000, False)])
def test_a_limit_shows_the_first_rows_and_says_whether_there_are_more(
    settings: Settings, limit: int, is_cut: bool
) -> None:
    result = run_query(settings, "select range as n, 'a' as word from range(3) order by n", limit)
    assert result.rows == [(n, "a") for n in range(min(limit, 3))]
    assert result.arrow.num_rows == len(result.rows) and result.is_cut is is_cut


def test_a_limit_above_one_batch_is_kept(settings: Settings) -> None:
    assert len(run_query(settings, "from range(500000)", 250_000).rows) == 250_000


def test_a_limit_of_an_answer_without_rows_keeps_its_columns(settings: Settings) -> None:
    result = run_query(settings, "select 1 as n where false", 5)
    assert (result.columns, result.rows, result.is_cut) == (["n"], [], False)


def test_the_table_lines_up_whatever_the_script_and_has_a_head_without_rows(settings: Settings) -> None:
    result = run_query(settings, "select '流明' as brand, 1 as n union all select 'Lumen', 1000 order by n")
    assert to_text(result).decode().splitlines() == [
        "brand     n",
        "-----  ----",
        "流明      1",
        "Lumen  1000",
    ]
    assert to_text(run_query(settings, "select 1 as n where false")).decode().splitlines() == ["n", "-"]


@pytest.mark.parametrize(
    "sql",
    [
        "drop table fct_fast",
        "select 1; select 2",
        "select * from no_such_mart",
        "selec 1",
        "select * from read_csv('{home}/sources.yml')",
        "copy fct_fast to '{home}/out.csv'",
        "",
    ],
)
def test_anything_but_a_select_from_the_release_is_refused(settings: Settings, sql: str) -> None:
    with pytest.raises(InputError):
        run_query(settings, sql.format(home=settings.home))
