"""What dbt documents beside the marts: its first page, and metrics that read columns which marts have."""

from __future__ import annotations

import re

import yaml

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.marts import MACROS

MODELS = PROJECT_ROOT / "dbt_project" / "models"


def test_the_first_page_names_every_macro() -> None:
    overview = (MODELS / "overview.md").read_text()
    names = {file.stem for file in MACROS.glob("*.sql")}
    assert names and {name for name in names if not re.search(rf"`{name}\b", overview)} == set()


def test_semantic_models_read_columns_that_their_marts_have() -> None:
    columns = {
        name: {column.name for column in contract.columns}
        for name, contract in read_contracts(PROJECT_ROOT / "dbt_project").items()
    }
    models = [
        model
        for file in MODELS.glob("semantic/*.yml")
        for model in yaml.safe_load(file.read_text()).get("semantic_models", [])
    ]
    assert models
    for model in models:
        (mart,) = re.findall(r"ref\('(\w+)'\)", model["model"])
        parts = [*model["entities"], *model["dimensions"], *model.get("measures", [])]
        assert {part.get("expr", part["name"]) for part in parts} <= columns[mart], model["name"]
        # Presets side by side would be added up unseen.
        assert "preset" not in columns[mart] or "preset" in {part["name"] for part in model["dimensions"]}
