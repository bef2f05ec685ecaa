"""The runbooks of the schedule, followed: the commands on the page, on a home that is broken as it says."""

from __future__ import annotations

import ast
import re
import shlex
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import runbook
import yaml
from dagster import DagsterInstance
from runbook import RUNBOOKS, section
from tiny_project import STAGING, deliver, money
from unit.test_lock import held

from orchestration import cli
from orchestration.alerts.outbox import Outbox
from orchestration.arrival.manifest import LoadManifest
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.monitoring.watch import watch
from orchestration.publish.release import read_current


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(Settings, "from_environment", classmethod(lambda cls: settings))
    return settings


def aipl(*arguments: str) -> int:
    return cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False))


def commands(page: str, heading: str) -> list[list[str]]:
    """Arguments of the `aipl` commands under a heading, for the shop east."""
    words = [shlex.split(line.replace("sample_shop", "east")) for line in runbook.commands(page, heading)]
    return [line[line.index("aipl") + 1 :] for line in words]


def follow(page: str, heading: str) -> None:
    for command in commands(page, heading):
        assert aipl(*command) == 0, command


def declare(settings: Settings, change: dict[str, object], *, of_table: bool = False) -> None:
    """Change the entry of the shop east, or of its table, in the sources file."""
    document = yaml.safe_load(settings.sources_file.read_text())
    entry = document["sources"]["east"]
    # The two shops share one entry of the table by an anchor.
    entry["tables"] = {"orders": dict(entry["tables"]["orders"])}
    (entry["tables"]["orders"] if of_table else entry).update(change)
    settings.sources_file.write_text(yaml.safe_dump(document))


def open_incidents(settings: Settings, day: int) -> set[str]:
    watch(settings, datetime(2024, 1, day, 12, tzinfo=UTC))
    with Outbox(settings.alerts) as outbox:
        return {incident.finding.title for incident in outbox.open_incidents()}


def dump_of(settings: Settings, day: int) -> Path:
    return settings.home / f"dumps/east/orders-2024-01-{day:02}.csv"


def test_a_late_dump(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert aipl("run") == 0
    deliver(settings, "west", 4, [5])
    open_now = open_incidents(settings, 4)
    assert "east is late: 2024-01-04" in open_now and "west is late: 2024-01-04" not in open_now
    stale = "east: the marts are not fresh, complete through 2024-01-02 instead of 2024-01-03"
    assert stale in open_now
    capsys.readouterr()
    follow("late-dump.md", "Look")
    told = capsys.readouterr().out
    assert "east is late: 2024-01-04" in told and "2024-01-03" in told
    deliver(settings, "east", 4, [7])
    follow("late-dump.md", "Late, or cannot be listed")
    assert money(settings)["east"] == 67
    assert not any(title.startswith("east") for title in open_incidents(settings, 4))
    # A day on which nothing was due.
    assert "east is late: 2024-01-05" in open_incidents(settings, 5)
    declare(settings, {"closed": {"dates": [date(2024, 1, 5)]}})
    assert not any("east is late" in title for title in open_incidents(settings, 5))


def test_the_first_days_are_missing(settings: Settings) -> None:
    declare(settings, {"starts_on": date(2023, 12, 30)})
    hole = "east has no dump for 2023-12-31, 2024-01-01, the days before the first one delivered"
    assert hole in open_incidents(settings, 3)
    assert not any("east is late" in title for title in open_incidents(settings, 3))
    declare(settings, {"starts_on": date(2024, 1, 1)})
    follow("late-dump.md", "The first days are missing")
    assert hole not in open_incidents(settings, 3)


def test_an_empty_dump_is_delivered_again_or_declared(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(settings, "east", 4, [])
    assert aipl("run") == 3
    assert any("2024-01-04" in title for title in open_incidents(settings, 4))
    with LoadManifest(settings.manifest) as manifest:
        assert manifest.deliveries("east").loads[-1].state.value == "refused"
    capsys.readouterr()
    assert aipl("run") == 0
    assert "Nothing is new" in capsys.readouterr().out, "the same contract is not asked twice"
    declare(settings, {"may_be_empty": True}, of_table=True)
    assert aipl("run") == 0
    with LoadManifest(settings.manifest) as manifest:
        assert {load.state.value for load in manifest.deliveries("east").loads} == {"accepted"}


def test_a_run_that_was_killed_holds_the_home_by_its_note_until_the_next(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(settings.home) as killed:
        killed.kill()
        killed.wait()
        look, again = commands("nightly-failed.md", "It is slow, or hangs")
        # The shops owe the days since 2024, so that it is critical in any case.
        assert aipl(*look) == 2
        assert f"process {killed.pid} has held the home for " in capsys.readouterr().out
        assert aipl(*again) == 0
    capsys.readouterr()
    assert aipl(*look) == 2
    assert "no run is active" in capsys.readouterr().out


def test_a_year_is_brought_in_by_one_run(settings: Settings) -> None:
    first = date(2023, 1, 1)
    declare(settings, {"starts_on": first})
    for day in range(365):
        name = f"orders-{first + timedelta(days=day)}.csv"
        (settings.home / "dumps/east" / name).write_text(f"order_id,amount\n{day},1\n")

    def runs() -> int:
        with DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
            return instance.get_runs_count()

    dates = {"2024-09-02": "2023-01-01", "2024-10-01": "2023-12-31"}
    backfill, rest = commands("backfill.md", "New or changed dumps")
    assert aipl(*[dates.get(word, word) for word in backfill]) == 0
    assert money(settings)["east"] == 365
    assert runs() == 1
    assert aipl(*rest) == 0
    assert money(settings)["east"] == 365 + 60
    release = read_current(settings)
    assert aipl(*rest) == 0
    assert read_current(settings) == release


def test_a_column_that_came_and_one_that_has_another_name(settings: Settings) -> None:
    dump_of(settings, 4).write_text("order_id,amount,colour\na,1,red\n")
    assert aipl("run") == 0
    assert money(settings)["east"] == 61

    dump_of(settings, 5).write_text("order_id,sum\nb,2\n")
    assert aipl("run") == 2
    assert money(settings)["east"] == 61
    (trial,) = commands("schema-change.md", "Try it first")
    assert trial[0] == "run" and "--dumps" in trial
    declare(settings, {"columns": {"required": ["order_id"], "optional": ["amount", "sum"]}}, of_table=True)
    model = settings.dbt_project / "models/staging/east/stg_east__orders.sql"
    model.write_text(
        STAGING.replace("SHOP", "east").replace("try_cast(amount", 'try_cast(coalesce("sum", amount)')
    )
    follow("schema-change.md", "A column is gone, or has another name")
    assert money(settings)["east"] == 63


def test_a_model_that_does_not_run_is_mended_and_run_again(settings: Settings) -> None:
    model = settings.dbt_project / "models/marts/dim_brand.sql"
    sound = model.read_text()
    assert aipl("run") == 0
    release = read_current(settings)
    model.write_text("select nonsense")
    assert aipl("run") == 1
    assert read_current(settings) == release
    model.write_text(sound)
    assert aipl("status") == 0
    assert aipl("run") == 0
    assert money(settings) == {"east": 60, "west": 10}


def test_every_message_of_the_page_is_one_that_the_program_says() -> None:
    table = section("nightly-failed.md", "2: by message")
    messages = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("| ")][1:]
    program = "\n".join(said_by(path) for path in (PROJECT_ROOT / "orchestration").rglob("*.py"))
    fragments = [part.strip() for message in messages for part in message.split("…") if part.strip()]
    assert len(fragments) > 8
    assert [part for part in fragments if part not in program] == []


def said_by(module: Path) -> str:
    """All texts of a module, with nothing where it puts a value in."""
    texts = []
    for node in ast.walk(ast.parse(module.read_text())):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        texts.append("".join(str(part.value) for part in parts if isinstance(part, ast.Constant)))
    return "\n".join(texts)


@pytest.mark.parametrize("page", sorted(path.name for path in RUNBOOKS.glob("*.md")))
def test_every_command_and_page_that_a_runbook_names_exists(page: str) -> None:
    text = (RUNBOOKS / page).read_text()
    named = set(re.findall(r"(?:`|\$ (?:\S+=\S+ )?)aipl ([a-z-]+)", text))
    assert named <= set(cli.aipl.commands), named - set(cli.aipl.commands)
