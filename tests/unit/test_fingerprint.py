"""What a change of the project brings about: a full build, all laws on all rows, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.build import fingerprint as hashing
from orchestration.build.fingerprint import fingerprints, project_hash
from orchestration.core.settings import PROJECT_ROOT
from orchestration.sources.source import dbt_context, load_sources

NOTHING, LAWS, ROWS = "nothing", "laws", "rows"
MODELS = {
    "models": [
        {
            "name": "fct_a",
            "description": "One row per brand.",
            "docs": {"show": True},
            "config": {
                "contract": {"enforced": True},
                "docs": {"node_color": "red"},
                "group": "trade",
                "meta": {"owner": "trade", "published": "view"},
            },
            "columns": [
                {
                    "name": "brand_id",
                    "data_type": "varchar",
                    "description": "The brand.",
                    "constraints": [{"type": "not_null"}],
                    "config": {"meta": {"personal": "hashed"}},
                    "data_tests": ["not_null"],
                }
            ],
            "data_tests": [{"laws": {"arguments": {"unique": ["brand_id"]}}}],
        }
    ],
    "unit_tests": [{"name": "adds_up", "model": "fct_a", "given": [], "expect": {"rows": []}}],
    "exposures": [{"name": "page", "type": "dashboard", "depends_on": ["ref('fct_a')"]}],
    "metrics": [{"name": "gmv", "label": "GMV"}],
    "semantic_models": [{"name": "sold"}],
    "saved_queries": [{"name": "weekly"}],
    "groups": [{"name": "trade", "owner": {"name": "Trade"}}],
    "macros": [{"name": "round_up", "description": "Rounds up."}],
}
SOURCES = {
    "sources": [
        {
            "name": "shop",
            "description": "The shop.",
            "config": {"meta": {"external_location": "raw/shop"}},
            "tables": [
                {"name": "orders", "identifier": "o", "description": "Orders.", "data_tests": ["full"]}
            ],
        }
    ]
}
SEEDS = {"seeds": [{"name": "kinds", "config": {"column_types": {"description": "varchar"}}}]}
PROJECT = {
    "name": "aipl",
    "vars": {"presets": ["a"], "config": {"group": "x"}, "description": "x"},
    "models": {"aipl": {"marts": {"+materialized": "table", "description": {"+enabled": True}}}},
    "data_tests": {"aipl": {"+severity": "error"}},
    "exposures": {"aipl": {"+enabled": True}},
}
FILES = {
    "dbt_project.yml": PROJECT,
    "profiles.yml": {"aipl": {"outputs": {"duckdb": {"settings": {"TimeZone": "UTC"}}}}},
    "models/marts/fct_a.yml": MODELS,
    "models/staging/shop.yml": SOURCES,
    "models/marts/fct_a.sql": "select 1 as brand_id",
    "models/int_b.py": "def model(dbt, session): ...",
    "models/overview.md": "{% docs __overview__ %} Welcome. {% enddocs %}",
    "macros/round.sql": "{% macro round_up(x) %}ceil({{ x }}){% endmacro %}",
    "seeds/kinds.csv": "kind,description\na,b\n",
    "seeds/aipl_rules.csv": "preset\nstrict\n",
    "seeds/seeds.yml": SEEDS,
    "tests/generic/laws.sql": "{% test laws(model, unique) %}select 1{% endtest %}",
    "tests/sums.sql": "select 1 where false",
    "target/run/fct_a.sql": "create table fct_a as select 1",
    "logs/dbt.log.csv": "x",
}

KINDS_OF_FILES = {
    "models/marts/fct_a.sql": ROWS,
    "models/int_b.py": ROWS,
    "macros/round.sql": ROWS,
    "seeds/kinds.csv": ROWS,
    "tests/generic/laws.sql": LAWS,
    "tests/sums.sql": LAWS,
    "models/overview.md": NOTHING,
    "seeds/aipl_rules.csv": NOTHING,
    "target/run/fct_a.sql": NOTHING,
    "logs/dbt.log.csv": NOTHING,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        write(tmp_path / name, content)
    return tmp_path


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))


def effect(project: Path, change: Callable[[], None]) -> str:
    """What has to be done again after a change."""
    before = fingerprints(project, "{}")
    change()
    rows, laws = (old != new for old, new in zip(before, fingerprints(project, "{}"), strict=True))
    return ROWS if rows else LAWS if laws else NOTHING


def changed_leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Copies of a content, each with one scalar changed, and the place of it."""
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            for place, changed in changed_leaves(value, f"{path}.{key}"):
                copy = dict(content) if isinstance(content, dict) else list(content)
                copy[key] = changed
                yield place, copy
    else:
        yield path[1:], not content if isinstance(content, bool) else f"{content}x"


TEXTS_AND_READERS = (
    "models.0.description",
    "models.0.docs",
    "models.0.config.docs",
    "models.0.config.group",
    "models.0.config.meta.owner",
    "models.0.columns.0.description",
    "sources.0.description",
    "sources.0.tables.0.description",
    "unit_tests",
    "exposures",
    "metrics",
    "semantic_models",
    "saved_queries",
    "groups",
    "macros",
)
JUDGES = (
    "models.0.data_tests",
    "models.0.columns.0.data_tests",
    "sources.0.tables.0.data_tests",
    "data_tests",
)


def expected_effect(place: str) -> str:
    def within(places: tuple[str, ...]) -> bool:
        return any(place == one or place.startswith(f"{one}.") for one in places)

    return LAWS if within(JUDGES) else NOTHING if within(TEXTS_AND_READERS) else ROWS


@pytest.mark.parametrize(
    ("name", "place", "content"),
    [
        (name, place, changed)
        for name, content in FILES.items()
        if not isinstance(content, str)
        for place, changed in changed_leaves(content)
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_value_of_yaml_does_what_it_must(project: Path, name: str, place: str, content: Any) -> None:
    assert effect(project, lambda: write(project / name, content)) == expected_effect(place)


@pytest.mark.parametrize(
    ("name", "content", "brings"),
    [
        *((name, changed, brings) for name, brings in KINDS_OF_FILES.items() for changed in (" ", None)),
        ("models/new.sql", "select 1", ROWS),
        ("functions/new.py", "def main(): ...", ROWS),
        ("tests/new.sql", "select 1", LAWS),
        ("models/new.yml", {"exposures": [{"name": "a"}]}, NOTHING),
        ("models/new.yml", {"models": [{"name": "b", "description": "Only words."}]}, NOTHING),
        ("models/new.yml", {"models": [{"name": "b", "columns": [{"name": "c", "docs": {}}]}]}, NOTHING),
        ("models/new.yml", {"models": [{"name": "b", "data_tests": ["unique"]}]}, LAWS),
        ("models/new.yml", {"models": [{"name": "b", "nobody_knows": 1}]}, ROWS),
        ("models/new.yml", {"nobody_knows": [{"name": "b", "description": "c"}]}, ROWS),
        ("models/new.yml", "models: [", ROWS),
    ],
)
def test_a_file_counts_unless_it_is_known_to_be_harmless(
    project: Path, name: str, content: Any, brings: str
) -> None:
    path = project / name
    if content is None:
        assert effect(project, path.unlink) == brings
    else:
        added = f"{path.read_text()}{content}" if path.exists() else content
        assert effect(project, lambda: write(path, added)) == brings


def test_how_yaml_is_written_brings_nothing_but_the_order_of_columns(project: Path) -> None:
    path = project / "models/marts/fct_b.yml"
    columns = [{"name": name, "data_type": "varchar"} for name in ("a", "b")]
    write(path, {"models": [{"name": "fct_b", "columns": columns}]})
    assert effect(project, lambda: write(path, f"# A comment.\n{path.read_text()}\n")) == NOTHING
    turned = {"models": [{"name": "fct_b", "columns": columns[::-1]}]}
    assert effect(project, lambda: write(path, turned)) == ROWS


def test_sources_and_engine_count(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [fingerprints(project, "{}"), fingerprints(project, '{"shop": {}}')]
    monkeypatch.setattr(hashing, "version", lambda name: "99.0")
    seen.append(fingerprints(project, "{}"))
    assert len({rows for rows, _ in seen}) == 3


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith(("target", "logs"))])
def test_a_manifest_depends_on_every_file(project: Path, name: str) -> None:
    before, path = project_hash(project, "{}"), project / name
    path.write_text(f"{path.read_text()} ")
    assert (project_hash(project, "{}") != before) == (name != "seeds/aipl_rules.csv")


TABLE = {"files": "o-{load_date}.csv", "format": "csv", "columns": {"required": ["id"]}}
SHOP = {
    "dumps": "dumps",
    "feed": "daily",
    "timezone": "Asia/Shanghai",
    "currency": "CNY",
    "identity_space": "crm",
    "starts_on": "2024-01-01",
    "brands": {"lumen": {"name": "Lumen", "timezone": "Asia/Tokyo", "currency": "JPY"}},
    "tables": {"orders": TABLE},
}
TOLD = {"timezone": "UTC", "currency": "EUR", "identity_space": "x", "starts_on": "2024-02-01"}
UNTOLD = {
    "description": "x",
    "dumps": "x",
    "due": "07:00",
    "owner": "x",
    "max_unreadable_share": 0.2,
    "closed": {"weekdays": ["sunday"]},
    "unusual_dates": ["2024-11-11"],
}


@pytest.mark.parametrize(("key", "value"), [*TOLD.items(), *UNTOLD.items()])
def test_of_declared_sources_counts_what_reaches_sql(tmp_path: Path, key: str, value: Any) -> None:
    def told(**changed: Any) -> Any:
        write(tmp_path / "sources.yml", {"sources": {"shop": SHOP | changed}})
        return dbt_context(load_sources(tmp_path / "sources.yml", {}), tmp_path)

    assert (told() != told(**{key: value})) == (key in TOLD)


def test_the_words_of_the_shipped_project_bring_nothing(tmp_path: Path) -> None:
    """Every description of every model, column, source and seed, at once."""
    for name, path in hashing.project_files(PROJECT_ROOT / "dbt_project").items():
        write(tmp_path / name, path.read_text())

    def reword() -> None:
        reworded = 0
        for path in tmp_path.rglob("*.yml"):
            content = path.read_text()
            reworded += content.count("description:")
            write(path, reworded_in(yaml.safe_load(content)))
        assert reworded > 200

    assert effect(tmp_path, reword) == NOTHING


def reworded_in(content: Any) -> Any:
    """A content with other descriptions."""
    if isinstance(content, list):
        return [reworded_in(one) for one in content]
    if not isinstance(content, dict):
        return content
    return {k: f"{v} Really." if k == "description" else reworded_in(v) for k, v in content.items()}
