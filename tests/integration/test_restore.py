"""docs/runbooks/restore.md, followed word for word on homes that are really broken."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import aipl
from nights import night, picture
from runbook import commands
from test_faults import Shop, cut, only_shop, shop
from tiny_project import deliver

from orchestration.build.state import read_build
from orchestration.publish.release import read_current
from orchestration.publish.rollback import rollback_lines

__all__ = ["only_shop", "shop"]

PAGE = "restore.md"
# What a new load manifest cannot know: versions that others have replaced.
FORGOTTEN = {"landing", "versions"}


def follow(shop: Shop, commands: list[str], *, code: int = 0, **variables: str) -> str:
    """Run commands of the page; `aipl run` is a night of the tiny shop, and `sample_shop` its source east.

    Each must end with 0, the last one with `code`. Returns all that was said.
    """
    environment = {
        **os.environ,
        "AIPL_HOME": str(shop.home),
        "BACKUP": str(shop.home.with_name("backup")),
        "DUMPS": str(shop.home / "dumps" / "east"),
        **variables,
    }
    said = ""
    for command in commands:
        words = shlex.split(command)
        if words == ["aipl", "run"]:
            ended, told = night(shop.home)
        else:
            typed = ["bash", "-c", command.replace("sample_shop", "east")]
            answer = (
                aipl(shop.home, *words[1:])
                if words[0] == "aipl"
                else subprocess.run(typed, env=environment, capture_output=True, text=True, check=False)
            )
            ended, told = answer.returncode, answer.stdout + answer.stderr
        assert ended == (code if command is commands[-1] else 0), f"{command}: {told}"
        said += told
    return said


@pytest.fixture
def backup(shop: Shop) -> Path:
    """A backup that was made after the first night."""
    folder = shop.home.with_name("backup")
    shutil.rmtree(folder, ignore_errors=True)
    follow(shop, commands(PAGE, "Back up"))
    return folder


def damage_current(shop: Shop) -> str:
    """Cut the database of the current release; returns the release."""
    database = (shop.settings.published / "current").resolve() / "marts.duckdb"
    database.chmod(0o644)
    cut(database)
    return database.parent.name


def test_everything_comes_back_from_a_backup(shop: Shop, backup: Path) -> None:
    assert night(shop.home) == (0, "")
    dumps, elsewhere = shop.home / "dumps", shop.home.with_name("dumps")
    sources = shop.settings.sources_file.read_text()
    dumps.rename(elsewhere)
    project = shutil.copytree(shop.settings.dbt_project, shop.home.with_name("project"))
    for path in shop.home.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    *copied, run = commands(PAGE, "Restore everything")
    follow(shop, copied)
    assert shop.released() == shop.before, "people can read at once"
    # Sources, dumps and project are no state: they come from elsewhere.
    shop.settings.sources_file.write_text(sources)
    elsewhere.rename(dumps)
    project.rename(shop.settings.dbt_project)
    follow(shop, [run])
    assert picture(shop.settings) == shop.undisturbed


def test_one_goes_back_to_an_older_release_and_undoes_it(shop: Shop) -> None:
    assert night(shop.home) == (0, "")
    withdrawn = read_current(shop.settings)
    said = follow(shop, commands(PAGE, "Go back to an older release"))
    assert withdrawn is not None and f"withdrawn: {withdrawn.release_id}" in said
    assert "fct_lines" in said
    assert shop.released() == shop.before
    assert night(shop.home) == (0, "")
    assert shop.released() == shop.before, "a night without new data leaves it"
    (undo,) = re.findall(r"`aipl (rollback .*?)`", "\n".join(rollback_lines(shop.settings)))
    follow(shop, [f"aipl {undo}"])
    assert picture(shop.settings) == shop.undisturbed


def test_a_refused_load_ends_no_rollback(shop: Shop) -> None:
    assert night(shop.home, judged=True) == (0, "")
    assert aipl(shop.home, "rollback").returncode == 0
    built = read_build(shop.settings)
    deliver(shop.settings, "west", 5, [])
    assert night(shop.home, judged=True) == (0, "")
    told, after = aipl(shop.home, "status").stdout, read_build(shop.settings)
    assert "west 2024-01-05: refused" in told and "withdrawn" in told
    assert "warning: release" in told and "is read again, not" in told, "the alert"
    assert built and after and built.build_id != after.build_id
    assert shop.released() == shop.before
    deliver(shop.settings, "west", 5, [9])
    assert night(shop.home, judged=True) == (0, "")
    assert "withdrawn" not in aipl(shop.home, "status").stdout
    assert shop.released() != shop.before
    (shop.home / "dumps" / "west" / "orders-2024-01-05.csv").unlink()


def test_a_damaged_release_is_put_back(shop: Shop, backup: Path) -> None:
    release = damage_current(shop)
    first, *cure = commands(PAGE, "A damaged release")
    assert f"{release}/marts.duckdb is not what was published" in follow(shop, [first], code=3)
    follow(shop, cure, RELEASE=release)
    shop.require_undisturbed()


def test_a_damaged_release_without_a_backup_is_made_anew(shop: Shop) -> None:
    assert night(shop.home) == (0, "")
    release = damage_current(shop)
    *cure, delete, verify = commands(PAGE, "It is current, and in no backup")
    follow(shop, cure)
    assert shop.released() == shop.undisturbed["release"]
    follow(shop, [delete, verify], RELEASE=release)
    assert picture(shop.settings) == shop.undisturbed


def test_a_night_on_a_damaged_release_names_the_way_out(shop: Shop) -> None:
    damage_current(shop)
    code, told = night(shop.home)
    assert code == 2 and "marts.duckdb is not what was published" in told
    assert "`aipl rollback`" in told and "docs/runbooks/restore.md" in told


def test_a_lost_load_manifest_comes_back_from_a_backup(shop: Shop, backup: Path) -> None:
    assert night(shop.home) == (0, "")
    cut(shop.settings.manifest)
    assert night(shop.home)[0] == 2
    follow(shop, commands(PAGE, "A lost loads.sqlite"))
    assert picture(shop.settings) == shop.undisturbed


def test_a_lost_load_manifest_without_a_backup_costs_only_what_the_page_says(shop: Shop) -> None:
    assert night(shop.home) == (0, "")
    shop.settings.manifest.unlink()
    # A source that keeps its dumps for a day.
    (shop.home / "dumps" / "east" / "orders-2024-01-02.csv").unlink()
    (shop.home / "dumps" / "east" / "orders-2024-01-03.csv").unlink()
    follow(shop, commands(PAGE, "A lost loads.sqlite without a backup"))
    found = picture(shop.settings)
    assert {key: found[key] for key in found if key not in FORGOTTEN} == {
        key: shop.undisturbed[key] for key in found if key not in FORGOTTEN
    }
    assert found["versions"] < shop.undisturbed["versions"], "only what was replaced is forgotten"
