"""The sources file: what it may say, and what people are told when it says something else."""

from datetime import date
from pathlib import Path

import pytest

from orchestration.core.errors import ConfigurationError
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sources.source import Source, Table, dbt_context, load_sources

MINIMAL = """
sources:
  shop:
    feed: daily
    currency: CNY
    dumps: ${HOME_OF_STATE}/dumps
    tables:
      events:
        files: events_{load_date}.csv
        format: csv
        columns: {required: [id]}
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sources.yml"
    path.write_text(text, encoding="utf-8")
    return path


def load(tmp_path: Path, text: str = MINIMAL):
    return load_sources(write(tmp_path, text), {"HOME_OF_STATE": "/state"})


def table(**entry) -> Table:
    return Table.model_validate({"files": "a.csv", "format": "csv", "columns": {"required": ["a"]}, **entry})


def test_defaults(tmp_path: Path):
    source = load(tmp_path)["shop"]
    told = (source.timezone, source.covers, source.identity_space, source.dumps)
    assert told == ("Asia/Shanghai", "previous_day", "shop", "/state/dumps")
    assert source.tables["events"].has_header
    # A relative folder is taken from the sources file.
    source = load(tmp_path, MINIMAL.replace("${HOME_OF_STATE}/dumps", "here"))["shop"]
    assert source.dumps == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("feed: daily", "feed: daily\n    fed: daily", r"source shop[\s\S]*fed: is not a known key"),
        ("format: csv", "format: csv\n        delimitr: x", r"tables\.events\.delimitr: is not a known key"),
        ("currency: CNY", "", "currency: is missing"),
        ("currency: CNY", "currency: yuan", "currency: 'yuan' does not have the form"),
        ("currency: CNY", "currency: CNY\n    timezone: Mars/Base", "'Mars/Base' is not a time zone"),
        ("${HOME_OF_STATE}", "${NOWHERE}", r"source shop: \$\{NOWHERE\} is not set"),
        ("currency: CNY", "currency: CNY\n    currency: EUR", "`currency` is given twice"),
        ("events_{load_date}.csv", "events.csv", r"carries \{load_date\}"),
        ("_{load_date}", "_{load_date:%Y%m}", "does not name a whole day"),
        ("_{load_date}", "_{date}", r"\{date\} is not known"),
        ("currency: CNY", "currency: CNY\n    load_date: 2024-01-01", "go with feed static"),
        ("currency: CNY", "currency: CNY\n    retention: {raw_days: 30}", "`raw_days` goes with feed daily"),
        ("currency: CNY", "currency: CNY\n    kept_from: 2024-01-01", "`kept_from` follows from `retention`"),
        ("{required: [id]}", "{required: [id, ID]}", "named twice"),
        ("{required: [id]}", "{required: [_row]}", "the pipeline adds"),
        ("{required: [id]}", "{required: [id]}\n        not_null: [other]", "not_null names columns"),
        ("{required: [id]}", "{required: [id]}\n        key: [c]", "key names columns .* does not: c"),
        ("files:", "not_null: [[id, c]]\n        files:", "not_null names columns .* does not: c"),
        ("files:", "not_null: [[]]\n        files:", "at least 1 item"),
        ("files:", "aliases: {old: c}\n        files:", "aliases names columns .* does not: c"),
        ("files:", "aliases: {' id ': id}\n        files:", "aliases: id is declared"),
        ("files:", "header: false\n        aliases: {old: id}\n        files:", "that name their columns"),
        ("files:", "event_time: {column: c}\n        files:", "event_time names columns"),
        (
            "files:",
            "event_time: {column: id, format: isoo}\n        files:",
            "write iso, unix_seconds, unix_milliseconds, or",
        ),
        ("files:", "amounts: {c: [0, 1]}\n        files:", "amounts names columns"),
        ("files:", "amounts: {id: [5, 1]}\n        files:", r"least \(5\) is not below the most"),
        ("files:", "identifiers: {member: [c]}\n        files:", "identifiers names columns"),
        ("format: csv", "format: csv\n        encoding: klingon", "'klingon' is not an encoding"),
        ("format: csv", "format: fixed_width", "fixed_width needs it"),
        ("sources:", "source:", "must hold the key `sources`"),
        ("    feed: daily", "   feed: daily", "is not readable as YAML"),
    ],
)
def test_what_cannot_be_is_refused_with_the_place(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(ConfigurationError, match=message) as refused:
        load(tmp_path, MINIMAL.replace(old, new))
    assert "sources.yml" in str(refused.value)


@pytest.mark.parametrize(
    ("files", "path", "expected"),
    [
        ("a_{load_date}.csv", "a_2024-02-29.csv", date(2024, 2, 29)),
        ("a_{load_date}.csv", "a_2023-02-29.csv", "no match"),
        ("a_{load_date:%Y%m%d}.csv", "a_20240229.csv", date(2024, 2, 29)),
        ("a_{load_date:%d.%m.%y}.csv", "a_29.02.24.csv", date(2024, 2, 29)),
        ("dt={load_date}/a_{load_date}.csv", "dt=2024-01-02/a_2024-01-02.csv", date(2024, 1, 2)),
        ("dt={load_date}/a_{load_date}.csv", "dt=2024-01-02/a_2024-01-03.csv", "no match"),
        ("*.csv", "a.csv", None),
        ("*.csv", "b/a.csv", "no match"),
        ("**/*.csv", "a.csv", None),
        ("**/*.csv", "c/b/a.csv", None),
        ("a.csv", "axcsv", "no match"),
        ("a.csv", "a.csv.gz", "no match"),
    ],
)
def test_patterns(files: str, path: str, expected: object):
    match = table(files=files).match(path)
    assert (match.load_date if match else "no match") == expected


def test_a_file_of_two_tables_or_none_at_all_is_refused(tmp_path: Path):
    text = MINIMAL + MINIMAL[MINIMAL.index("      events:") :].replace("events:", "more:")
    with pytest.raises(ConfigurationError, match="both events and more"):
        load(tmp_path, text)["shop"].match("events_2024-01-01.csv")
    with pytest.raises(ConfigurationError, match=r"none\.yml does not exist"):
        load_sources(tmp_path / "none.yml", {})


def test_a_version_changes_with_content_table_and_reading_only():
    plain = table()
    assert plain.version("t", "c") != plain.version("t", "d")
    assert plain.version("t", "c") != plain.version("u", "c")
    assert plain.version("t", "c") != table(delimiter=";").version("t", "c")
    judged = {"event_time": {"column": "a"}, "key": ["a"], "amounts": {"a": [0, 1]}, "not_null": ["a"]}
    same = table(files="b.csv", identifiers={"member": ["a"]}, **judged)
    assert plain.version("t", "c") == same.version("t", "c")
    # An older name of a column is another reading; blanks around a name are not.
    assert plain.version("t", "c") != table(aliases={"old": "a"}).version("t", "c")
    assert plain.version("t", "c") == table(columns={"required": [" a\ufeff"]}).version("t", "c")
    contracts = [
        Source(source_id="shop", feed="static", currency="CNY", tables={"t": one}).gate_contract
        for one in (plain, same)
    ]
    assert contracts[0] != contracts[1]


def test_dbt_is_told_brands_and_entities(tmp_path: Path):
    text = MINIMAL.replace(
        "    tables:",
        "    brands: {x: {name: X, timezone: UTC}}\n    starts_on: 2024-01-01\n"
        "    placeholders: {add: [guest]}\n    currencies: {yuan: CNY}\n    tables:",
    )
    folder = tmp_path / "dbt" / "models" / "staging" / "shop"
    folder.mkdir(parents=True)
    for name in ("stg_shop__events.sql", "stg_shop__orders.sql", "stg_shop__orders.yml", "base_shop.sql"):
        (folder / name).touch()
    assert dbt_context(load(tmp_path, text), tmp_path / "dbt") == {
        "shop": {
            "identity_space": "shop",
            "timezone": "Asia/Shanghai",
            "currency": "CNY",
            "feed": "daily",
            "starts_on": "2024-01-01",
            "placeholders": {"add": ["guest"], "remove": []},
            "currencies": {"yuan": "CNY"},
            "brands": {"x": {"timezone": "UTC", "currency": "CNY"}},
            "entities": ["events", "orders"],
        }
    }


def test_every_column_of_the_sample_shop_that_names_a_person_is_a_key():
    sources = load_sources(PROJECT_ROOT / "sources.yml", {"AIPL_HOME": "/home"})
    assert {"taobao_user_behavior", "rees46", "olist", "online_retail"} <= set(sources)
    kinds = {"visitor_id": "visitor", "member_id": "member", "other_member_id": "member", "order_id": "order"}
    for table in sources["sample_shop"].tables.values():
        named = {column: kind for column, kind in kinds.items() if column in table.columns.declared}
        assert {column: kind for kind, columns in table.identifiers.items() for column in columns} == named
