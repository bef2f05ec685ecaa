"""The runbook docs/runbooks/rotate-secrets.md, followed: its commands, in their order, on a real home."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from login_server import Server, basic, login_server
from released import released
from tiny_project import deliver, make_tiny
from unit.alert_service import Webhook, webhook
from verdicts import judge_with

from orchestration import cli
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.release import read_current
from orchestration.quality import mart_gate

PAGE = (PROJECT_ROOT / "docs" / "runbooks" / "rotate-secrets.md").read_text()
OLD_KEY, NEW_KEY = "the old person key, long enough!", "the new person key, long enough!"
OLD_PASSWORD, NEW_PASSWORD = "oldPassword", "newPassword"
PERSONS = """
select 'east:m:' || order_id as person_id, 'east:m:' || order_id as source_key,
    date '2024-01-01' as first_seen_on, date '2024-01-02' as last_seen_on
from {{ ref('stg_east__orders') }}
"""
DECLARED = """
models:
  - name: dim_person_key
    config: {meta: {owner: data-platform, key: [person_id, source_key]}}
    columns:
      - {name: person_id, config: {meta: {personal: hashed}}}
      - {name: source_key, config: {meta: {personal: hashed}}}
"""


def commands(part: str) -> list[list[str]]:
    """The commands of one part of the page, in their order."""
    section = PAGE.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^ *\$ (.*)$", section, re.MULTILINE)
    assert found
    return [shlex.split(line) for line in found]


@pytest.fixture
def server() -> Iterator[tuple[type[Server], str]]:
    with login_server(basic("west", OLD_PASSWORD)) as serving:
        yield serving


@pytest.fixture
def old_hook() -> Iterator[Webhook]:
    with webhook() as served:
        yield served


@pytest.fixture
def settings(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: tuple[type[Server], str],
    old_hook: Webhook,
) -> Settings:
    settings = replace(make_tiny(tmp_path), alerts_file=tmp_path / "alerts.yml")
    settings.alerts_file.write_text("routes: {team: {to: TEAM}}\n")
    sources = settings.sources_file.read_text()
    place = f"http://west:${{WEST_PASSWORD}}@{server[1]}/"
    sources = sources.replace("${AIPL_HOME}/dumps/west", place)
    settings.sources_file.write_text(
        sources.replace("not_null: [order_id]", "not_null: [order_id]\n        personal: [phone]", 1).replace(
            "required: [order_id, amount]}", "required: [order_id, amount], optional: [phone]}"
        )
    )
    (settings.dbt_project / "models" / "marts" / "dim_person_key.sql").write_text(PERSONS)
    (settings.dbt_project / "models" / "marts" / "persons.yml").write_text(DECLARED)
    deliver(settings, "east", 2, [10])
    (tmp_path / "dumps" / "east" / "orders-2024-01-02.csv").write_text("order_id,amount,phone\ne1,10,555\n")
    monkeypatch.setenv("TEAM", old_hook.url)
    monkeypatch.setenv("WEST_PASSWORD", OLD_PASSWORD)
    monkeypatch.setenv("AIPL_PERSON_KEY", OLD_KEY)
    monkeypatch.setenv("AIPL_HOME", str(tmp_path))
    monkeypatch.setenv("AIPL_SOURCES", str(settings.sources_file))
    monkeypatch.setenv("AIPL_ALERTS", str(settings.alerts_file))
    monkeypatch.setattr(Settings, "dbt_project", settings.dbt_project)
    # The shops' mart has fewer columns than the one whose suite is shipped.
    monkeypatch.setattr(mart_gate, "gate_suites", lambda *_, **__: [])
    judge_with(monkeypatch)
    return settings


class Shell:
    """Runs the page's commands in this process; what `...` stands for is in `secrets`."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], **secrets: str
    ) -> None:
        self.monkeypatch, self.capfd, self.secrets = monkeypatch, capfd, secrets

    def run(self, program: str, *words: str) -> str:
        """Run one command that must end well; what it said."""
        if program == "export":
            name, _, value = words[0].partition("=")
            assert value == "..."
            self.monkeypatch.setenv(name, self.secrets[name])
            return ""
        if program == "openssl":
            return ""
        assert program == "aipl"
        code = cli._guarded(lambda: cli.aipl.main(list(words), standalone_mode=False))
        said = self.capfd.readouterr()
        assert code == 0, said.out + said.err
        return said.out


def test_every_secret_is_rotated_and_the_home_is_healthy(
    settings: Settings,
    server: tuple[type[Server], str],
    old_hook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with webhook() as new_hook:
        shell = Shell(
            monkeypatch, capfd, TEAM=new_hook.url, WEST_PASSWORD=NEW_PASSWORD, AIPL_PERSON_KEY=NEW_KEY
        )
        shell.run("aipl", "run")
        first = read_current(settings)
        assert first is not None

        for command in commands("An alert route"):
            shell.run(*command)
        assert (len(old_hook.received), len(new_hook.received)) == (0, 1)

        server[0].login = basic("west", NEW_PASSWORD)
        assert cli._guarded(lambda: cli.aipl.main(["run", "--source", "west"], standalone_mode=False)) == 2
        assert "cannot be listed" in capfd.readouterr().err
        told = [shell.run(*command) for command in commands("Credentials of dumps")]
        assert "Nothing is new." in told[-1]

        told = [shell.run(*command) for command in commands("The person key")]
        hashed = released(settings.home, "east:m:e1", NEW_KEY)
        assert f"east:m:e1  {hashed}  {hashed}" in told[-1]
        second = read_current(settings)
        assert second is not None
        assert second.release_id != first.release_id
        assert second.manifest["person_key"] != first.manifest["person_key"]
        with duckdb.connect(str(second.folder / "marts.duckdb"), read_only=True) as connection:
            assert connection.execute("select person_id from dim_person_key").fetchall() == [(hashed,)]
        assert "Nothing is new." in shell.run("aipl", "run")
        status = shell.run("aipl", "status")
        assert second.release_id in status and "Loads: all accepted" in status


def test_the_page_names_what_the_program_says() -> None:
    for words in ("was made with AIPL_PERSON_KEY, which is not set", "person.key", "`to` of the route"):
        assert words in PAGE
