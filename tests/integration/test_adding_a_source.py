"""The recipe docs/adding-a-source.md, followed literally: its files written, its commands run."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest
import shop_pages

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings

RECIPE = PROJECT_ROOT / "docs" / "adding-a-source.md"
# A block with a file name above it, or the commands of a console, each with some lines of what it prints.
STEP = re.compile(rf"{shop_pages.FILE.pattern}|^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ ([^\n]+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
ENCODINGS = {"night_market_dumps": "gb18030"}
MOST_LINES = 60


def steps(page: str) -> list[shop_pages.Block | tuple[str, str]]:
    """Blocks to write and commands to run, in their order."""
    found: list[shop_pages.Block | tuple[str, str]] = []
    for name, language, text, console in STEP.findall(page):
        found += COMMAND.findall(console) if console else [shop_pages.Block(name, language, text)]
    return found


def by_hand(page: str) -> list[shop_pages.Block]:
    return [block for block in shop_pages.blocks(page) if "_dumps/" not in block.name]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a copy of the dbt project and of the sources file, in which `aipl` is called."""
    shutil.copytree(
        PROJECT_ROOT / "dbt_project",
        tmp_path / "dbt_project",
        ignore=shutil.ignore_patterns("target", "logs"),
    )
    shutil.copy(PROJECT_ROOT / "sources.yml", tmp_path / "sources.yml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AIPL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("AIPL_SOURCES", str(tmp_path / "sources.yml"))
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: tmp_path / "dbt_project"))
    return tmp_path


def aipl(command: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a command line of the recipe in this process; returns what it printed."""
    program, *arguments = shlex.split(command)
    assert program == "aipl"
    code = cli._guarded(lambda: cli.aipl.main(arguments, standalone_mode=False))
    said, complained = capfd.readouterr()
    assert code == 0, said + complained
    return said


@pytest.mark.parametrize("example", [0, 1])
def test_a_source_takes_few_lines_in_its_entry_and_its_staging_folder(example: int) -> None:
    page = RECIPE.read_text().split("## A second example")[example]
    written = by_hand(page)
    assert 0 < sum(len(block.written) for block in written) <= MOST_LINES
    shop = ("corner_shop", "night_market")[example]
    folder = f"dbt_project/models/staging/{shop}/"
    assert all(block.name == "sources.yml" or block.name.startswith(folder) for block in written)


def test_every_command_prints_what_the_recipe_shows_and_a_second_run_finds_nothing(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = steps(RECIPE.read_text())
    ran = [step[0].split()[1] for step in found if isinstance(step, tuple)]
    first = ["new-source", "try-source", "run", "dbt", *["query"] * 4]
    assert ran == [*first, "template", "new-source", "try-source", "run", "query", "query"]
    for step in found:
        if isinstance(step, shop_pages.Block):
            shop_pages.write(place, [step], ENCODINGS.get(Path(step.name).parts[0], "utf-8"))
            continue
        command, shown = step
        said = aipl(command, capfd)
        if command.startswith("aipl query"):
            assert said == shown, command
        else:
            for line in shown.splitlines():
                assert line in said, f"{command} does not print {line!r}:\n{said}"

    unreadable = duckdb.read_parquet(str(place / "data/rejects/corner_shop/events/*/*.parquet"))
    assert unreadable.project("_file, _row, raw_text").fetchall() == [
        ("events_2024-03-06.csv", 3, "7,2024-03-05 09:00:00,ev")
    ]

    assert aipl("aipl run --source corner_shop", capfd).startswith("Nothing is new.")
