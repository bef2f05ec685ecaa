"""The runbook docs/runbooks/rotate-secrets.md, followed: its commands, in their order, on a real home."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from login_server import Server, basic
from released import released
from runbook import RUNBOOKS, commands
from test_secrets import guarded
from unit.alert_service import Webhook, webhook
from unit.publish_home import query
from verdicts import judge_with

from orchestration import cli
from orchestration.publish.release import read_current
from orchestration.quality import mart_gate

PAGE = "rotate-secrets.md"
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


def test_every_secret_is_rotated_and_the_home_is_healthy(
    tmp_path: Path,
    server: tuple[type[Server], str],
    hook: Webhook,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler, host = server
    handler.login = basic("west", OLD_PASSWORD)
    monkeypatch.setenv("WEST_PASSWORD", OLD_PASSWORD)
    monkeypatch.setenv("AIPL_PERSON_KEY", OLD_KEY)
    settings = guarded(tmp_path, f"http://west:${{WEST_PASSWORD}}@{host}/", monkeypatch)
    (settings.dbt_project / "models" / "marts" / "dim_person_key.sql").write_text(PERSONS)
    (settings.dbt_project / "models" / "marts" / "persons.yml").write_text(DECLARED)
    (tmp_path / "dumps" / "east" / "orders-2024-01-02.csv").write_text("order_id,amount,phone\ne1,10,555\n")
    # The shops' mart has fewer columns than the one whose suite is shipped.
    monkeypatch.setattr(mart_gate, "gate_suites", lambda *_, **__: [])
    judge_with(monkeypatch)
    with webhook() as new_hook:
        secrets = {"TEAM": new_hook.url, "WEST_PASSWORD": NEW_PASSWORD, "AIPL_PERSON_KEY": NEW_KEY}

        def run(program: str, *words: str) -> str:
            """Run a command of the page, which must end well, in this process; what it said."""
            if program == "export":
                name, _, value = words[0].partition("=")
                assert value == "..."
                monkeypatch.setenv(name, secrets[name])
            if program != "aipl":
                assert program in {"export", "openssl"}
                return ""
            code = cli._guarded(lambda: cli.aipl.main(list(words), standalone_mode=False))
            said = capfd.readouterr()
            assert code == 0, said.out + said.err
            return said.out

        run("aipl", "run")
        first = read_current(settings)
        assert first is not None

        for command in commands(PAGE, "An alert route"):
            run(*shlex.split(command))
        assert (len(hook.received), len(new_hook.received)) == (0, 1)

        handler.login = basic("west", NEW_PASSWORD)
        assert cli._guarded(lambda: cli.aipl.main(["run", "--source", "west"], standalone_mode=False)) == 2
        assert "cannot be listed" in capfd.readouterr().err
        told = [run(*shlex.split(command)) for command in commands(PAGE, "Credentials of dumps")]
        assert "Nothing is new." in told[-1]

        told = [run(*shlex.split(command)) for command in commands(PAGE, "The person key")]
        hashed = released(settings.home, "east:m:e1", NEW_KEY)
        assert f"east:m:e1  {hashed}  {hashed}" in told[-1]
        second = read_current(settings)
        assert second is not None
        assert second.release_id != first.release_id
        assert second.manifest["person_key"] != first.manifest["person_key"]
        assert query(second.folder, "select person_id from dim_person_key") == [(hashed,)]
        assert "Nothing is new." in run("aipl", "run")
        status = run("aipl", "status")
        assert second.release_id in status and "Loads: all accepted" in status


def test_the_page_names_what_the_program_says() -> None:
    for words in ("was made with AIPL_PERSON_KEY, which is not set", "person.key", "`to` of the route"):
        assert words in (RUNBOOKS / PAGE).read_text()
