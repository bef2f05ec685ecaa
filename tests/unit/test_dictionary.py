"""The data dictionary: every table and column of a release says what it means, and has an owner."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations import registry
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.ledger import LEDGER, RELEASES
from orchestration.publish.macros import MACROS
from orchestration.publish.marts import Mart

MODELS = PROJECT_ROOT / "dbt_project" / "models"
EMPTY_WORDS = {"a", "an", "and", "as", "for", "in", "is", "it", "its", "of", "that", "the", "this"}


def read(pattern: str, key: str) -> list[tuple[Path, dict[str, Any]]]:
    return [
        (file, entry)
        for file in sorted(MODELS.glob(pattern))
        for entry in yaml.safe_load(file.read_text()).get(key, [])
    ]


DESCRIBED = read("marts/*/*.yml", "models")
((_, RELEASE),) = read("marts/release/*.yml", "sources")
OWNERS = {group["name"] for _, group in read("marts/_groups.yml", "groups")}


def says_nothing(name: str, description: str) -> bool:
    """Whether a description has no word but those of the name, in whatever number and case."""
    words = {word.rstrip("s") for word in re.findall(r"[^\W_]+", description.lower())} - EMPTY_WORDS
    return words <= {word.rstrip("s") for word in name.lower().split("_")}


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("brand_id", ""),
        ("brand_id", "Brand id."),
        ("brand_id", "The ID of the brand"),
        ("members", "Member"),
        ("horizon_days", "`horizon_days`"),
    ],
)
def test_a_description_that_says_nothing_is_found(name: str, description: str) -> None:
    assert says_nothing(name, description)
    assert not says_nothing(name, f"{description}, unique over all sources.")


@pytest.mark.parametrize(
    "table",
    [model for _, model in DESCRIBED] + RELEASE["tables"],
    ids=lambda table: table["name"],
)
def test_every_column_says_what_it_means(table: dict[str, Any]) -> None:
    assert re.match("One row per ", table["description"])
    assert table["columns"]
    vague = [c["name"] for c in table["columns"] if says_nothing(c["name"], c.get("description", ""))]
    assert vague == []
    assert [column["name"] for column in table["columns"] if not column.get("data_type")] == []


def test_every_mart_is_described() -> None:
    assert sorted(model["name"] for _, model in DESCRIBED) == sorted(
        file.stem for suffix in ("sql", "py") for file in MODELS.glob(f"marts/*/*.{suffix}")
    )


def test_every_mart_has_the_owner_who_hears_of_it() -> None:
    project = yaml.safe_load((MODELS.parent / "dbt_project.yml").read_text())
    folders = project["models"]["aipl"]["marts"]
    owners = {
        model["name"]: model.get("config", {}).get("group", folders.get(file.parent.name, {}).get("+group"))
        for file, model in DESCRIBED
    }
    assert owners == {name: suite.owner for name, suite in registry.MARTS.items()}
    assert set(owners.values()) == OWNERS
    made_at_publish = {table["name"]: table["config"]["meta"]["owner"] for table in RELEASE["tables"]}
    assert made_at_publish == {name: suite.owner for name, suite in registry.RELEASE.items()}


@pytest.mark.parametrize("mart", [LEDGER, RELEASES], ids=lambda mart: mart.name)
def test_what_publish_adds_is_described_in_its_own_words(mart: Mart) -> None:
    (table,) = (table for table in RELEASE["tables"] if table["name"] == mart.name)
    assert table["description"] == mart.description
    described = {column["name"]: column["description"] for column in table["columns"]}
    assert list(described.items()) == list(mart.columns.items())


def test_the_first_page_names_every_mart_and_macro() -> None:
    overview = (MODELS / "overview.md").read_text()
    names = {model["name"] for _, model in DESCRIBED} | {LEDGER.name, RELEASES.name}
    names |= {file.stem for file in MACROS.glob("*.sql")}
    assert {name for name in names if not re.search(rf"`{name}\b", overview)} == set()


def test_semantic_models_read_columns_that_their_marts_have() -> None:
    columns = {model["name"]: {c["name"] for c in model["columns"]} for _, model in DESCRIBED}
    models = [model for _, model in read("semantic/*.yml", "semantic_models")]
    assert models
    for model in models:
        (mart,) = re.findall(r"ref\('(\w+)'\)", model["model"])
        parts = [*model["entities"], *model["dimensions"], *model.get("measures", [])]
        assert {part.get("expr", part["name"]) for part in parts} <= columns[mart], model["name"]
        # Presets side by side would be added up unseen.
        assert "preset" not in columns[mart] or "preset" in {part["name"] for part in model["dimensions"]}
