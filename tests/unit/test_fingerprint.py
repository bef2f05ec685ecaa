"""What a change of the project brings about: a full build, all laws on all rows, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.build import fingerprint as hashing
from orchestration.build.fingerprint import fingerprints, project_hash
from orchestration.core.settings import PROJECT_ROOT

NOTHING, LAWS, ROWS = "nothing", "laws", "rows"
# Beside each value stands what a change of it brings about; nothing there is `rows`.
PROPERTIES = {
    "models/marts/fct_a.yml": """
models:
  - name: fct_a
    description: One row per brand  # nothing
    docs: {show: true}  # nothing
    config:
      contract: {enforced: true}
      docs: {node_color: red}  # nothing
      group: trade  # nothing
      meta:
        owner: trade  # nothing
        published: view
    columns:
      - name: brand_id
        data_type: varchar
        description: The brand  # nothing
        constraints: [{type: not_null}]
        config: {meta: {personal: hashed}}
        data_tests: [not_null]  # laws
    data_tests: [{laws: {arguments: {unique: [brand_id]}}}]  # laws
unit_tests: [{name: adds_up}]  # nothing
exposures: [{name: page}]  # nothing
metrics: [{name: gmv}]  # nothing
semantic_models: [{name: sold}]  # nothing
saved_queries: [{name: weekly}]  # nothing
groups: [{name: trade}]  # nothing
macros: [{description: Rounds up}]  # nothing
""",
    "models/staging/shop.yml": """
sources:
  - name: shop
    description: The shop  # nothing
    config: {meta: {external_location: raw/shop}}
    tables:
      - name: orders
        identifier: o
        description: Orders  # nothing
        data_tests: [full]  # laws
""",
    "seeds/seeds.yml": """
seeds:
  - name: kinds
    config: {column_types: {description: varchar}}
""",
    "dbt_project.yml": """
name: aipl
vars:
  presets: [a]
  config: {group: x}
  description: x
models:
  aipl:
    marts:
      +materialized: table
      description: {+enabled: true}
data_tests: {aipl: {+severity: error}}  # laws
exposures: {aipl: {+enabled: true}}  # nothing
""",
    "profiles.yml": """
aipl: {outputs: {duckdb: {settings: {TimeZone: UTC}}}}
""",
}
OTHERS = {
    "models/marts/fct_a.sql": ("select 1 as brand_id", ROWS),
    "models/int_b.py": ("def model(dbt, session): ...", ROWS),
    "macros/round.sql": ("{% macro round_up(x) %}ceil({{ x }}){% endmacro %}", ROWS),
    "seeds/kinds.csv": ("kind,description\na,b\n", ROWS),
    "tests/generic/laws.sql": ("{% test laws(model, unique) %}select 1{% endtest %}", LAWS),
    "tests/sums.sql": ("select 1 where false", LAWS),
    "models/overview.md": ("{% docs __overview__ %} Welcome. {% enddocs %}", NOTHING),
    "seeds/aipl_rules.csv": ("preset\nstrict\n", NOTHING),
    "target/run/fct_a.sql": ("create table fct_a as select 1", NOTHING),
    "logs/dbt.log.csv": ("x", NOTHING),
}
FILES = PROPERTIES | {name: content for name, (content, _) in OTHERS.items()}
VALUE = re.compile(r"(?P<value>\w)(?P<end>[]}]*(  # (?P<brings>\w+))?)$")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        write(tmp_path / name, content)
    return tmp_path


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def effect(project: Path, change: Callable[[], None]) -> str:
    """What has to be done again after a change."""
    before = fingerprints(project, "{}")
    change()
    rows, laws = (old != new for old, new in zip(before, fingerprints(project, "{}"), strict=True))
    return ROWS if rows else LAWS if laws else NOTHING


@pytest.mark.parametrize(
    ("name", "line"),
    [(name, line) for name, text in PROPERTIES.items() for line in text.splitlines() if VALUE.search(line)],
)
def test_each_value_of_yaml_does_what_it_must(project: Path, name: str, line: str) -> None:
    found = VALUE.search(line)
    assert found is not None
    changed = PROPERTIES[name].replace(f"{line}\n", VALUE.sub(r"\g<value>x\g<end>", line) + "\n", 1)
    assert effect(project, lambda: write(project / name, changed)) == (found["brings"] or ROWS)


@pytest.mark.parametrize(
    ("name", "content", "brings"),
    [
        *((name, changed, brings) for name, (_, brings) in OTHERS.items() for changed in (" ", None)),
        ("models/new.sql", "select 1", ROWS),
        ("functions/new.py", "def main(): ...", ROWS),
        ("tests/new.sql", "select 1", LAWS),
        ("models/new.yml", "exposures: [{name: a}]", NOTHING),
        ("models/new.yml", "models: [{name: b, description: Only words.}]", NOTHING),
        ("models/new.yml", "models: [{name: b, columns: [{name: c, docs: {}}]}]", NOTHING),
        ("models/new.yml", "models: [{name: b, data_tests: [unique]}]", LAWS),
        ("models/new.yml", "models: [{name: b, nobody_knows: 1}]", ROWS),
        ("models/new.yml", "nobody_knows: [{name: b, description: c}]", ROWS),
        ("models/new.yml", "models: [", ROWS),
    ],
)
def test_a_file_counts_unless_it_is_known_to_be_harmless(
    project: Path, name: str, content: str | None, brings: str
) -> None:
    path = project / name
    if content is None:
        assert effect(project, path.unlink) == brings
    else:
        added = f"{path.read_text()}{content}" if path.exists() else content
        assert effect(project, lambda: write(path, added)) == brings


def test_how_yaml_is_written_brings_nothing_but_the_order_of_columns(project: Path) -> None:
    path = project / "models/marts/fct_b.yml"
    written = "models: [{name: fct_b, columns: [{name: a, data_type: date}, {name: b, data_type: date}]}]"
    write(path, written)
    assert effect(project, lambda: write(path, f"# A comment.\n{written}\n")) == NOTHING
    turned = written.replace("name: a", "name: c").replace("name: b", "name: a").replace("name: c", "name: b")
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


def test_the_words_of_the_shipped_project_bring_nothing(tmp_path: Path) -> None:
    """Every description of every model, column, source and seed, at once."""
    for name, path in hashing.project_files(PROJECT_ROOT / "dbt_project").items():
        write(tmp_path / name, path.read_text())

    def reword() -> None:
        reworded = 0
        for path in tmp_path.rglob("*.yml"):
            content = path.read_text()
            reworded += content.count("description:")
            write(path, yaml.safe_dump(reworded_in(yaml.safe_load(content)), sort_keys=False))
        assert reworded > 200

    assert effect(tmp_path, reword) == NOTHING


def reworded_in(content: Any) -> Any:
    """A content with other descriptions."""
    if isinstance(content, list):
        return [reworded_in(one) for one in content]
    if not isinstance(content, dict):
        return content
    return {k: f"{v} Really." if k == "description" else reworded_in(v) for k, v in content.items()}
