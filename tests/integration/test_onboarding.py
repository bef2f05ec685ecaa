"""From dumps to a release: `aipl new-source`, a few lines by hand, `aipl try-source`, `aipl run`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import shop_pages

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings

SHOPS = Path(__file__).resolve().parents[1] / "fixtures" / "shops"
MOST_LINES = 60
Aipl = Callable[..., str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the dbt project."""
    place = tmp_path_factory.mktemp("onboarding")
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", place / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    return place


@pytest.fixture
def aipl(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Aipl:
    """Run `aipl` with arguments in that folder; returns what it printed."""
    monkeypatch.chdir(place)
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: place / "dbt_project"))

    def run(*arguments: str, code: int = 0) -> str:
        answer = cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False))
        said, complained = capfd.readouterr()
        assert answer == code, said + complained
        return said + complained

    return run


def in_home(monkeypatch: pytest.MonkeyPatch, place: Path, shop: str) -> Path:
    """A home and a sources file of its own for a shop."""
    monkeypatch.setenv("AIPL_HOME", str(place / shop / "home"))
    monkeypatch.setenv("AIPL_SOURCES", str(place / shop / "sources.yml"))
    return place / shop


def dumps_and_changes(shop: str) -> tuple[list[shop_pages.Block], list[shop_pages.Block]]:
    dumps, by_hand = (SHOPS / f"{shop}.md").read_text(encoding="utf-8").split("## By hand")
    return shop_pages.blocks(dumps), shop_pages.blocks(by_hand)


def lint(folder: Path) -> str:
    """What the linter of SQL, with the settings of the project, has against a folder."""
    program = Path(sys.executable).with_name("sqlfluff")
    command = [program, "lint", "--config", PROJECT_ROOT / ".sqlfluff", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT_ROOT)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def released(home: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home / "home/published/current/marts.duckdb"), read_only=True) as connection:
        return connection.sql(query).fetchall()


def onboard(shop: str, encoding: str, place: Path, aipl: Aipl) -> tuple[str, str, str]:
    """Do what the recipe says; returns what each command printed."""
    dumps, by_hand = dumps_and_changes(shop)
    assert sum(len(block.written) for block in by_hand) <= MOST_LINES
    shop_pages.write(place / shop / "dumps", dumps, encoding)
    told = aipl("new-source", shop, str(place / shop / "dumps"))
    staging = place / "dbt_project/models/staging" / shop
    assert lint(staging) == ""
    # What is written runs before a guess is confirmed.
    first = aipl("try-source", shop)
    for block in by_hand:
        shop_pages.write(place / shop if block.name == "sources.yml" else place, [block])
    second = aipl("try-source", shop)
    assert not (place / shop / "home").exists(), "a trial touches the home"
    aipl("run")
    return told, first, second


def test_a_shop_without_buyers_in_gb18030(place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch) -> None:
    home = in_home(monkeypatch, place, "tea_house")

    told, first, second = onboard("tea_house", "gb18030", place, aipl)

    assert "gb18030" in told
    assert "签到 is unknown, and rejected" in told
    assert "orders: who is the person?" in told
    assert "rejected 1: unknown event kind" in first
    assert "unknown event kind" not in second
    assert "rejected 1: time that does not parse\n    销售明细_20240306.csv row 3:" in second
    assert "without a person: 5 (100%)" in second
    assert "first day 2024-03-04, last day 2024-03-05" in second
    assert "CNY: 416.0000 in 5 orders, of which paid 240.0000 in 3" in second
    orders = "select paid_date, count(*), sum(amount), min(currency) from fct_orders group by 1 order by 1"
    assert [tuple(map(str, row)) for row in released(home, orders)] == [
        ("2024-03-04", "2", "150.0000", "CNY"),
        ("2024-03-05", "1", "90.0000", "CNY"),
        ("None", "2", "176.0000", "CNY"),
    ]
    stock = """
        select as_of_date, stage, persons from fct_aipl_daily
        where preset = 'consumer_asset' and persons > 0 order by all
    """
    # The devices: 1, 2 and 3 on the first day, 4 on the second. Nobody is known to have paid.
    assert [tuple(map(str, row)) for row in released(home, stock)] == [
        ("2024-03-04", "I", "3"),
        ("2024-03-05", "I", "4"),
    ]


def test_a_shop_whose_orders_are_inside_its_events(
    place: Path, aipl: Aipl, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = in_home(monkeypatch, place, "mercado")

    told, first, second = onboard("mercado", "utf-8", place, aipl)

    assert "what is in pedido? It holds a JSON object" in told
    assert "events: 8 rows, 3 rejected" in first
    assert "events: 5 rows, 0 rejected" in second
    assert "orders: 3 rows, 0 rejected" in second
    assert "EUR: 1035.5000 in 3 orders" in second
    paid = "select paid_date, count(*), sum(amount) from fct_orders group by 1 order by 1"
    assert [tuple(map(str, row)) for row in released(home, paid)] == [
        ("2024-03-04", "2", "1030.5000"),
        ("2024-03-05", "1", "5.0000"),
    ]
    stock = """
        select as_of_date, stage, persons from fct_aipl_daily
        where preset = 'consumer_asset' and persons > 0 order by all
    """
    # c1 and the device d3 paid on the first day. d2 only searched then; it is c2, who paid on the second day,
    # when d4 looked at a product.
    assert [tuple(map(str, row)) for row in released(home, stock)] == [
        ("2024-03-04", "A", "1"),
        ("2024-03-04", "P", "2"),
        ("2024-03-05", "I", "1"),
        ("2024-03-05", "P", "3"),
    ]
