"""What publish adds is judged before it is published: a finding leaves the release as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.publish_home import make_home, publish_build, query

from expectations.contracts import read_contracts
from expectations.results import GateResult
from orchestration.alerts.incidents import open_findings
from orchestration.build.state import read_gate
from orchestration.core.errors import GateStop
from orchestration.core.settings import PROJECT_ROOT
from orchestration.monitoring.gates import observe_mart_gate
from orchestration.publish import release_files
from orchestration.publish.release import read_current

MARTS = read_contracts(PROJECT_ROOT / "dbt_project")
RELEASE = {name for name, contract in MARTS.items() if contract.made_at_publish}


def test_what_publish_makes_is_as_its_contract_says(tmp_path: Path) -> None:
    release = publish_build(make_home(tmp_path), 1)
    for name in RELEASE:
        found = query(
            release.folder,
            "select column_name, lower(data_type), comment from duckdb_columns()"
            f" where table_name = '{name}' order by column_index",
        )
        assert found == [(one.name, one.data_type, one.description) for one in MARTS[name].columns]


def test_a_shut_gate_leaves_the_release_and_tells_page_and_alerts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_home(tmp_path)
    publish_build(settings, 1)
    old = read_current(settings)
    assert old is not None
    tables = {name for (name,) in query(old.folder, "select table_name from duckdb_tables()")}
    assert RELEASE <= tables <= set(MARTS)

    write = release_files.write_ledger

    def write_too_much(connection, *arguments, **keywords):  # type: ignore[no-untyped-def]
        written = write(connection, *arguments, **keywords)
        connection.execute("insert into release.main.dim_release from release.main.dim_release")
        return written

    with monkeypatch.context() as patch:
        patch.setattr(release_files, "write_ledger", write_too_much)
        with pytest.raises(GateStop, match="once_a_brand") as stopped:
            publish_build(settings, 2)
    assert stopped.value.exit_code == 3
    assert read_current(settings) == old
    assert [path.name for path in (settings.published / "releases").iterdir()] == [old.release_id]
    verdict = read_gate(settings)
    assert verdict is not None and not verdict.passed
    (stored,) = (settings.reports / "marts").glob("*.json")
    assert "dim_release: once_a_brand" in stored.with_suffix(".html").read_text()
    assert {one.table for one in GateResult.from_json(stored.read_bytes()).results} == {"fct_fast", *RELEASE}
    observe_mart_gate(settings)
    found = {finding.key: finding for finding in open_findings(settings, "gate/release")}
    assert found["dim_release.once_a_brand"].severity == "critical"
    assert found["dim_release.once_a_brand"].link == str(stored.with_suffix(".html"))

    assert publish_build(settings, 2).is_new
    observe_mart_gate(settings)
    assert open_findings(settings, "gate/release") == []
