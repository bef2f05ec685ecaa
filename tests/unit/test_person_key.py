"""Releases call nobody by a key of theirs: the keyed hash, its secret, and what is refused."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml
from click.testing import CliRunner
from released import released
from unit.aipl_marts import add_marts
from unit.publish_home import build, let_through, make_home, query

from expectations.contracts import read_contracts
from orchestration import cli
from orchestration.arrival.configured import configured_sources
from orchestration.core.errors import InputError, QualityStop
from orchestration.core.privacy.person_key import require_person_key
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.personal import personal_columns
from orchestration.publish.release import publish

SECRET, OTHER = "a secret of the shop, long enough", "another secret, also long enough!"
PERSONS = ["shop:m:17", "shop:m:李雷", "shop:v:" + "x" * 200, "shop:m:o'neill@example.com", "shop:v:👾"]
DAY = date(2024, 1, 5)
NOON = datetime(2024, 2, 1, 12, tzinfo=UTC)
MARTS = read_contracts(PROJECT_ROOT / "dbt_project")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIPL_PERSON_KEY", raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return with_persons(make_home(tmp_path / "home"), "1")


def with_persons(settings: Settings, number: str, stage: str = "A") -> Settings:
    """A build in which everybody is in a stage, let through."""
    build(settings, number * 64, persons=7)
    add_marts(
        settings,
        {
            "dim_aipl_rule": [],
            "dim_aipl_stage": [("p", "O", 0, "", ""), ("p", "A", 1, "", ""), ("p", "I", 2, "", "")],
            "dim_brand": [("lumen", DAY, date(2024, 1, 31))],
            "dim_person_key": [(person, person, "member", DAY, DAY) for person in PERSONS],
            "fct_aipl_daily": [],
            "fct_aipl_stage_history": [
                ("p", "lumen", person, stage, 1, DAY, date(2024, 1, 20)) for person in PERSONS
            ],
            "fct_person_days": [("lumen", person, "page_view", DAY, None, DAY) for person in PERSONS],
            "fct_person_states": [("shop", "of 17", "lumen", "shop:m:17", "member", 1, DAY, DAY)],
        },
    )
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "create table intermediate.people as from marts.fct_person_days;"
            "drop table marts.fct_person_days;"
            "create view marts.fct_person_days as from intermediate.people;"
            "create table marts.dim_person as select person_id, person_id || ' since ever' as keys"
            " from marts.dim_person_key;"
            "create table marts.fct_orders as"
            " select '17-8' as order_id, 'shop:m:17' as person_id, 9.5 as amount"
        )
    let_through(settings, number * 64)
    return settings


def test_a_release_calls_nobody_by_a_key_of_theirs(settings: Settings) -> None:
    release = publish(settings, NOON)
    hashes = {(released(settings.home, person),) for person in PERSONS}
    for mart in ("dim_person_key", "fct_aipl_stage_history", "fct_person_days", "dim_person"):
        assert set(query(release.folder, f"select person_id from {mart}")) == hashes
        parquet = duckdb.read_parquet(str(release.folder / f"{mart}.parquet"))
        assert set(parquet.select("person_id").fetchall()) == hashes
    membership, order = (released(settings.home, key) for key in ("of 17", "17-8"))
    assert query(release.folder, "select membership_id from fct_person_states") == [(membership,)]
    # Who spent is withheld.
    assert query(release.folder, "select columns(*)::varchar from fct_orders") == [(order, "9.5")]
    assert query(release.folder, "select column_name from (describe dim_person)") == [("person_id",)]
    for file in release.folder.iterdir():
        content = file.read_bytes()
        assert not any(key.encode() in content for key in (*PERSONS, "17-8", "of 17")), file.name


def test_a_home_gets_a_secret_once_that_only_its_owner_reads(settings: Settings) -> None:
    first = publish(settings, NOON)
    file = settings.home / "person.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text()
    assert len(secret.strip()) == 64
    key = require_person_key(settings)
    assert secret.strip() not in f"{key} {key!r} {settings!r}"
    second = publish(with_persons(settings, "2", stage="I"), NOON)
    assert file.read_text() == secret
    assert first.manifest["person_key"] == second.manifest["person_key"]
    for path in settings.published.rglob("*"):
        assert not path.is_file() or secret.strip().encode() not in path.read_bytes()
    # While the secret stays, a change of one person is told.
    found = query(second.folder, "select person_id, stage_before, stage_after from fct_aipl_ledger")
    assert set(found) == {(released(settings.home, person), "A", "I") for person in PERSONS}


def test_the_variable_comes_before_the_home_and_with_another_all_is_published_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIPL_PERSON_KEY", SECRET)
    first = publish(settings, NOON)
    hashed, other = (released(settings.home, "shop:m:17", secret) for secret in (SECRET, OTHER))
    assert (hashed,) in query(first.folder, "select person_id from dim_person")
    assert not (settings.home / "person.key").exists()
    assert first.manifest["person_key"]["origin"] == "AIPL_PERSON_KEY"
    assert SECRET not in (first.folder / "manifest.json").read_text()
    assert publish(settings, NOON).release_id == first.release_id
    # The same build under another secret restates nobody.
    monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    second = publish(settings, NOON)
    assert second.release_id != first.release_id
    assert second.manifest["person_key"] != first.manifest["person_key"]
    assert (other,) in query(second.folder, "select person_id from dim_person")
    assert query(second.folder, "from fct_aipl_ledger") == []
    assert query(second.folder, "select distinct release_id from dim_release") == [(second.release_id,)]
    assert "people are hashed with a different key" in (second.folder / "notes.md").read_text()
    assert second.manifest["restated"] is None
    # A variable that went missing renames nobody.
    monkeypatch.delenv("AIPL_PERSON_KEY")
    with pytest.raises(InputError, match="AIPL_PERSON_KEY, which is not set"):
        publish(with_persons(settings, "2"), NOON)
    assert (settings.published / "current").resolve() == second.folder
    (settings.home / "person.key").write_text(OTHER)
    third = publish(settings, NOON).manifest["person_key"]
    assert third["fingerprint"] == second.manifest["person_key"]["fingerprint"]
    # One that can be guessed is refused, and not shown.
    monkeypatch.setenv("AIPL_PERSON_KEY", "hunter2")
    with pytest.raises(InputError, match="7 characters") as told:
        publish(settings, NOON)
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("'shop:m:17' as who", "holds keys of persons"),
        ("'17' as member_id", "is named like a key of persons"),
        ("'write to li.lei@example.cn, please' as note", "holds e-mail addresses"),
        ("'call 138 1234 5678' as note", "holds phone numbers"),
        ("'+49 171 1234567' as note", "holds phone numbers"),
        ("['x', 'li.lei@example.cn'] as notes", "holds e-mail addresses"),
    ],
)
def test_what_says_who_somebody_is_is_not_published(settings: Settings, column: str, said: str) -> None:
    first = publish(settings, NOON)
    with_persons(settings, "2")
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(f"create table marts.fct_news as select 'lumen' as brand_id, {column}")
    with pytest.raises(QualityStop, match=said) as told:
        publish(settings, NOON)
    assert "fct_news" in str(told.value)
    assert "li.lei" not in str(told.value)
    assert (settings.published / "current").resolve() == first.folder


def test_a_key_that_is_a_number_is_hashed_as_it_is_written_and_an_id_is_no_phone_number(
    settings: Settings,
) -> None:
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "drop table marts.fct_orders; create table marts.fct_orders as select 4711 as order_id;"
            "create table marts.fct_news as"
            " select '13812345678' as product_id, '2024-11-30' as said, '+1' as step"
        )
    release = publish(settings, NOON)
    assert query(release.folder, "select order_id from fct_orders") == [(released(settings.home, "4711"),)]
    assert query(release.folder, "from fct_news") == [("13812345678", "2024-11-30", "+1")]


def test_another_word_than_hashed_or_withheld_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "marts"
    folder.mkdir(parents=True)
    column = {"name": "person_id", "config": {"meta": {"personal": True}}}
    (folder / "a.yml").write_text(yaml.safe_dump({"models": [{"name": "fct_a", "columns": [column]}]}))
    with pytest.raises(InputError, match=r"fct_a.person_id: personal is `hashed` or `withheld`"):
        personal_columns(read_contracts(tmp_path))


def test_no_shipped_mart_tells_the_exact_amounts_of_a_person_or_where_one_is() -> None:
    """Amounts are published in bands or not at all: a table has persons or amounts.

    Regions are for aggregates that suppress cells under five persons; there is none yet.
    """
    places = ("region", "province", "city", "zip", "postal", "country", "district", "street")
    treatments, of_persons = personal_columns(MARTS), 0
    for name, mart in MARTS.items():
        treated = treatments.get(name, {})
        assert not [one.name for one in mart.columns if any(place in one.name for place in places)]
        if any(treated.get(key) == "hashed" for key in ("person_id", "source_key")):
            of_persons += 1
            amounts = ("decimal", "double")
            assert not [one.name for one in mart.columns if one.data_type.startswith(amounts)]
    assert of_persons >= 6


def test_the_command_tells_what_somebody_is_called(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def person_key(key: str) -> str:
        return CliRunner().invoke(cli.aipl, ["person-key", key], catch_exceptions=False).output

    monkeypatch.setenv("AIPL_HOME", str(settings.home))
    publish(settings, NOON)
    space = next(iter(configured_sources(Settings.from_environment())))
    hashed = released(settings.home, "shop:m:17")
    told = person_key("shop:m:17").splitlines()[2]
    assert told.split() == ["shop:m:17", hashed, hashed, "2024-01-05", "2024-01-05"]
    with pytest.raises(InputError, match=f"no member or visitor with this ID in {space}"):
        person_key("18")
    monkeypatch.setenv("AIPL_PERSON_KEY", OTHER)
    with pytest.raises(InputError, match="was made with a different person key"):
        person_key("shop:m:17")
    monkeypatch.delenv("AIPL_PERSON_KEY")
    settings.person_key_file.unlink()
    with pytest.raises(InputError, match="was made with a person key that is gone"):
        person_key("shop:m:17")
