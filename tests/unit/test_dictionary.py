"""`aipl marts`: every mart and every column, as its contract says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations.contracts import read_contracts
from orchestration import cli
from orchestration.core.errors import InputError
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.dictionary import mart_text, marts_text

PROJECT = PROJECT_ROOT / "dbt_project"
MARTS = read_contracts(PROJECT)


def test_all_marts_are_listed_with_owner_and_grain() -> None:
    head, _, *lines = marts_text(PROJECT).splitlines()
    assert head.split() == ["mart", "owner", "grain"]
    assert len(lines) == len(MARTS)
    for line, mart in zip(lines, MARTS.values(), strict=True):
        assert line.split()[:2] == [mart.name, mart.owner or "-"]
        assert line.endswith(" ".join(mart.grain.split()))


@pytest.mark.parametrize("name", MARTS)
def test_a_mart_is_shown_with_all_its_columns(name: str) -> None:
    mart, text = MARTS[name], mart_text(PROJECT, name)
    assert " ".join(mart.description.split()) in " ".join(text.split())
    assert f"key: {', '.join(mart.key) or 'none'}\nowner: {mart.owner or 'none'}\n" in text
    shown = [line.split()[0] for line in text.partition("\n\n")[2].splitlines()[2:]]
    assert shown == [column.name for column in mart.columns]


def test_an_unknown_mart_names_the_near_ones() -> None:
    with pytest.raises(InputError, match=r"no mart fast\. .*: fct_fast, fct_fast_changes, fct_fast_tiers"):
        mart_text(PROJECT, "fast")


def test_a_query_comes_from_one_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "query.sql"
    script.write_bytes(b"\xff\xfe")

    def aipl(*arguments: str) -> int:
        return cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False))

    assert aipl("query") == aipl("query", "select 1", "--file", str(script)) == 2
    assert capsys.readouterr().err.count("Give either SQL or --file.") == 2
    assert aipl("query", "--file", str(script)) == 2
    assert f"{script} cannot be read" in capsys.readouterr().err
