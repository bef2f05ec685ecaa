"""A service elsewhere hears of each night how it ended, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from unit.alert_service import finding
from unit.heartbeat_service import SECRET, Heart, heart
from unit.shop_home import ShopHome

from orchestration.alerts.incidents import observe, open_findings
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.monitoring import heartbeat
from orchestration.monitoring.heartbeat import SCOPE, VARIABLE, beat, conclude_night, concluding

TABLES = {"t": {"files": "t-{load_date}.csv", "format": "csv", "columns": {"required": ["a"]}}}
# Keys of persons are masked in everything that leaves the machine.
SOMEBODY = "member_id=lena-4711"


class Shop(ShopHome):
    tables = TABLES


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heart]:
    with heart() as served:
        monkeypatch.setenv(VARIABLE, served.url)
        yield served


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose source owes nothing."""
    shop = Shop(tmp_path, feed="static")
    shop.settings.home.mkdir()
    return shop.settings


def failing(settings: Settings) -> list[str]:
    return [finding.title for finding in open_findings(settings, SCOPE)]


def test_a_night_that_did_what_it_should_is_a_call_of_the_address(settings: Settings, service: Heart) -> None:
    conclude_night(settings)
    assert service.beats == [(f"/ping/{SECRET}", "The night ended as it should.")]


def test_what_is_wrong_is_told_as_a_failure_without_personal_values(
    settings: Settings, service: Heart
) -> None:
    wrong = replace(finding("fct_fast.drift"), title=f"drift of {SOMEBODY}, and more")
    observe(settings, "gate/marts", [wrong, finding("stock", severity="warning")], datetime.now(UTC))
    conclude_night(settings, ["exit code 3"])
    ((path, body),) = service.beats
    assert path == f"/ping/{SECRET}/fail"
    assert body.splitlines()[1:] == ["exit code 3"]
    assert body.startswith("drift of member_id=***, and more") and "lena" not in body
    service.beats.clear()
    observe(settings, "gate/marts", [finding("stock", severity="warning")], datetime.now(UTC))
    conclude_night(settings)
    assert service.heard() == ["ok"], "a warning stops nothing"


def test_a_release_that_is_not_fresh_is_a_failure_even_if_the_run_went_well(
    tmp_path: Path, service: Heart
) -> None:
    shop = Shop(tmp_path, starts_on="2024-01-01")
    shop.settings.home.mkdir()
    conclude_night(shop.settings)
    ((path, body),) = service.beats
    assert path.endswith("/fail") and "shop: the marts are not fresh" in body


def test_state_that_cannot_be_read_is_a_failure_too(settings: Settings, service: Heart) -> None:
    settings.sources_file.write_text("sources: [broken")
    conclude_night(settings)
    assert service.heard() == ["fail"]


def test_nothing_is_called_without_an_address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(heartbeat, "urlopen", lambda *_, **__: pytest.fail("called"))
    conclude_night(settings)
    assert failing(settings) == []


@pytest.mark.parametrize(
    ("is_attended", "exit_code", "heard"),
    [(False, 0, ["ok"]), (False, 3, ["fail"]), (True, 0, []), (True, 3, [])],
)
def test_a_run_of_the_command_line_is_told_by_its_exit_code_unless_somebody_sits_there(
    settings: Settings, service: Heart, is_attended: bool, exit_code: int, heard: list[str]
) -> None:
    with concluding(settings, is_attended=is_attended) as ended:
        ended.exit_code = exit_code
    assert service.heard() == heard


def test_an_error_is_a_failure_and_an_interrupt_is_silence(settings: Settings, service: Heart) -> None:
    with pytest.raises(InputError), concluding(settings, is_attended=False):
        raise InputError(f"no dump of {SOMEBODY} at https://user:hunter2@example.com/x")
    ((path, body),) = service.beats
    assert path.endswith("/fail") and body == "the run stopped with InputError"
    service.beats.clear()
    with pytest.raises(KeyboardInterrupt), concluding(settings, is_attended=False):
        raise KeyboardInterrupt
    with pytest.raises(InputError), concluding(settings, is_attended=True):
        raise InputError("a typing mistake")
    assert service.beats == []


def test_a_service_that_is_down_fails_no_night_is_told_and_recovers(
    settings: Settings, service: Heart, capsys: pytest.CaptureFixture[str]
) -> None:
    service.answers = [503, 200]
    conclude_night(settings)
    assert service.heard() == ["ok", "ok"] and failing(settings) == [], "it is tried twice"
    service.answers = [404, 404]
    conclude_night(settings)
    reason = "HTTP Error 404: Not Found"
    assert failing(settings) == [f"the heartbeat was not taken: {reason}"]
    assert capsys.readouterr().err == f"HEARTBEAT FAILED: {reason}\n"
    (told,) = open_findings(settings, SCOPE)
    assert (told.kind, told.severity) == ("heartbeat_failed", "warning") and SECRET not in str(told)
    conclude_night(settings)
    assert failing(settings) == []


def test_a_service_that_does_not_answer_holds_up_nothing(
    service: Heart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SECONDS", 0.2)
    service.seconds = 3
    began = monotonic()
    assert "timed out" in (beat(service.url, []) or "")
    assert monotonic() - began < 2


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "hc-ping.com/uuid", "ftp://example.com/x", "http://", "http://[broken/x"]
)
def test_only_web_services_are_called(url: str) -> None:
    assert "must begin with https://" in (beat(url, []) or "")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid", "user:word@127.0.0.1:1"])
def test_no_secret_is_shown_whatever_the_reason(host: str) -> None:
    reason = beat(f"http://{host}/ping/{SECRET}?key=other-secret", [])
    assert reason and SECRET not in reason and "other-secret" not in reason and "word" not in reason


def test_a_query_stays_a_query(service: Heart) -> None:
    assert beat(f" {service.url}/?create=1 ", ["x"]) is None
    assert beat(f"{service.url}?create=1", []) is None
    assert [path for path, _ in service.beats] == [
        f"/ping/{SECRET}/fail?create=1",
        f"/ping/{SECRET}?create=1",
    ]
