"""The recipe docs/adding-a-source.md, followed literally: its files written, its commands run."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings

RECIPE = PROJECT_ROOT / "docs" / "adding-a-source.md"
STAGING = "dbt_project/models/staging/corner_shop/"
FILE = re.compile(r"^`([^`\n]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n\$ ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipe_files() -> dict[str, str]:
    """Content by name of the blocks that have a file name above them."""
    found = FILE.findall(RECIPE.read_text())
    assert len(dict(found)) == len(found), "the recipe gives a file twice"
    return dict(found)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the dbt project and of the sources file, and the files of the recipe in it."""
    place = tmp_path_factory.mktemp("recipe")
    shutil.copytree(
        PROJECT_ROOT / "dbt_project", place / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    files = recipe_files()
    declared = (PROJECT_ROOT / "sources.yml").read_text()
    (place / "sources.yml").write_text(f"{declared.rstrip()}\n\n{files.pop('sources.yml')}")
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(content)
    return place


@pytest.fixture
def in_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the folder in which `aipl` is called."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("AIPL_HOME", str(place / "data"))
    monkeypatch.setenv("AIPL_SOURCES", str(place / "sources.yml"))
    monkeypatch.setattr(Settings, "dbt_project", property(lambda _: place / "dbt_project"))
    return place


def aipl(command: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Run a command line of the recipe in this process; returns what it printed."""
    program, *arguments = shlex.split(command)
    assert program == "aipl"
    code = cli._guarded(lambda: cli.aipl.main(arguments, standalone_mode=False))
    said, complained = capfd.readouterr()
    assert code == 0, said + complained
    return said


def test_the_recipe_changes_nothing_but_its_staging_folder_and_the_sources_file() -> None:
    names = [name for name in recipe_files() if not name.startswith("corner_shop_dumps/")]
    assert names[0] == "sources.yml"
    assert len(names) == 6
    assert all(name.startswith(STAGING) for name in names[1:])


def test_every_command_prints_what_the_recipe_shows_and_a_second_run_finds_nothing(
    in_place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # With the output that the recipe shows for each.
    commands = CONSOLE.findall(RECIPE.read_text())
    assert [command.split()[1] for command, _ in commands] == ["run", "dbt", *["query"] * 4]
    for command, shown in commands:
        said = aipl(command, capfd)
        if command.startswith("aipl query"):
            assert said == shown, command
        else:
            for line in shown.splitlines():
                assert line in said, f"{command} does not print {line!r}:\n{said}"

    unreadable = duckdb.read_parquet(str(in_place / "data/rejects/corner_shop/events/*/*.parquet"))
    assert unreadable.project("_file, _row, raw_text").fetchall() == [
        ("events_2024-03-06.csv", 3, "7,2024-03-05 09:00:00,ev")
    ]

    assert aipl(commands[0][0], capfd).startswith("Nothing is new.")
