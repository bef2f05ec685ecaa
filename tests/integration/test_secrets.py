"""Secrets are planted, what can fail does, and then every file and every word is searched for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from contents import contents
from login_server import Server, basic
from tiny_project import deliver, make_tiny
from verdicts import verdict

from orchestration import cli
from orchestration.core.settings import Settings
from orchestration.quality import mart_gate as run_gate

USER, PASSWORD = "clerkofwest", "Pa55wordOfWest"
SECRETS = {
    "WEST_USER": USER,
    "WEST_PASSWORD": PASSWORD,
    "WEST_TOKEN": "tokenOfWest4711",
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDKEYID",
    "AWS_SECRET_ACCESS_KEY": "plantedSecretAccessKey",
    "TEAM": "json://alerter:alertPassword42@127.0.0.1:1/hooks/hookToken77",
    "AIPL_PERSON_KEY": "the person key of the test, long enough",
}
LOGIN = basic(USER, PASSWORD)
PERSONAL = ("13812345678", "li.lei@example.cn", "m-raw-4711")
PLANTED = (
    *(value for name, value in SECRETS.items() if name != "TEAM"),
    *("alerter", "alertPassword42", "hookToken77", LOGIN),
    *PERSONAL,
)


def guarded(home: Path, west: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home for commands: dumps of west are at an address, orders of east have the phone of who bought."""
    settings = make_tiny(home)
    changes = {
        "${AIPL_HOME}/dumps/west": west,
        "required: [order_id, amount]}": "required: [order_id, amount], optional: [phone]}",
        "not_null: [order_id]": "not_null: [order_id]\n        personal: [phone]",
    }
    sources = settings.sources_file.read_text()
    for old, new in changes.items():
        sources = sources.replace(old, new)
    settings.sources_file.write_text(sources)
    deliver(settings, "east", 2, [10])
    monkeypatch.setenv("AIPL_HOME", str(home))
    monkeypatch.setenv("AIPL_SOURCES", str(settings.sources_file))
    monkeypatch.setenv("AIPL_ALERTS", str(settings.alerts_file))
    monkeypatch.setattr(Settings, "dbt_project", settings.dbt_project)
    return settings


def leaks(home: Path, said: str) -> set[tuple[str, str]]:
    """Secrets in what was said, or in a file of the home that is no dump as it came; with the place."""
    places = [("terminal", said)]
    for path, text in contents(home):
        if not {"dumps", "landing"} & set(path.relative_to(home).parts):
            places.append((path.name, text))
    return {(secret, name) for name, text in places for secret in PLANTED if secret in text}


def test_nothing_that_is_written_or_said_holds_a_secret(
    tmp_path: Path,
    server: tuple[type[Server], str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    handler, host = server
    handler.login = LOGIN
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    settings = guarded(tmp_path, f"http://${{WEST_USER}}:${{WEST_PASSWORD}}@{host}/", monkeypatch)
    number, mail, key = PERSONAL
    dump = settings.home / "dumps" / "east" / "orders-2024-01-02.csv"
    dump.write_text(f"order_id,amount,phone\ne1,10,{number}\ne2,11,{mail}\ne3,{number},{mail},{key}\n")
    shut = verdict("dim_brand", status="failed")
    example = {"person_id": f"east:m:{key}", "source_key": key, "brand_id": "east"}
    shut = replace(shut, results=(replace(shut.results[0], examples=(example,)),))
    monkeypatch.setattr(run_gate, "run_marts", lambda *_, **__: shut)
    codes, said = list[int](), list[str]()

    def run(*arguments: str) -> str:
        """Run a command as `main` would, a crash included; all that it said."""
        try:
            codes.append(cli._guarded(lambda: cli.aipl.main(list(arguments), standalone_mode=False)))
        except Exception as error:
            cli._crashed(type(error), error, error.__traceback__)
            codes.append(1)
        said.append("".join(capfd.readouterr()))
        return said[-1]

    # A row that cannot be read refuses the load; the mart gate is shut; the alert does not arrive.
    run("run")
    assert f"http://***@{host}/" in run("sources")
    assert handler.seen
    assert list((settings.raw / "west").rglob("orders-*.parquet")), "the login is used"
    # The login is no longer good; an address is given that holds one; a bucket that does not answer.
    monkeypatch.setenv("WEST_PASSWORD", f"{PASSWORD}9")
    run("run", "--source", "west")
    run("run", "--source", "west", "--dumps", f"http://{USER}:{PASSWORD}@{host}/")
    run("run", "--source", "west", "--dumps", f"http://{host}/?sig={SECRETS['WEST_TOKEN']}")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    run("run", "--source", "west", "--dumps", "s3://bucket/dumps")
    monkeypatch.setenv("WEST_PASSWORD", PASSWORD)
    # A model and the program itself break.
    (settings.dbt_project / "models" / "marts" / "dim_brand.sql").write_text("select 1 as x from nowhere")
    run("run")
    monkeypatch.setattr("orchestration.nightly.run.find_pending", crash)
    run("run")
    for command in (["status"], ["alerts", "list"], ["alerts", "retry"], ["alerts", "test"]):
        run(*command)
    assert codes[:9] == [3, 0, 2, 2, 2, 2, 1, 1, 0]
    text = "".join(said)
    assert "cannot be listed" in text and "Crash: " in text and "not delivered" in text
    assert (settings.reports / "marts").exists() and settings.crash_log.exists()
    assert leaks(settings.home, text) == set()


def crash(*_: object) -> None:
    raise RuntimeError(f"cannot open https://{USER}:{PASSWORD}@127.0.0.1/?sig={SECRETS['WEST_TOKEN']}")
