"""Homes with the sample shop, and with a second shop that is read like it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml
from warehouse import OwnWarehouse

from orchestration.core.settings import PROJECT_ROOT

SHOP = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text(encoding="utf-8"))["sources"]["sample_shop"]


def make(folder: Path, sources: dict[str, Any]) -> OwnWarehouse:
    """A home of these sources alone."""
    (folder / "sources.yml").write_text(yaml.safe_dump({"sources": sources}), encoding="utf-8")
    warehouse = OwnWarehouse.make(folder / "home", folder / "sources.yml")
    for own in (warehouse.settings.dbt_project / "models" / "staging").iterdir():
        if own.name not in sources:
            shutil.rmtree(own)
    return warehouse


def shops(folder: Path, entries: dict[str, Any]) -> OwnWarehouse:
    """A home of the sample shop and a shop of another name that is read like it."""
    folder.mkdir(exist_ok=True)
    warehouse = make(folder, entries)
    staging = warehouse.settings.dbt_project / "models" / "staging"
    for file in (staging / "sample_shop").iterdir():
        own = staging / "late" / file.name.replace("sample_shop", "late")
        own.parent.mkdir(exist_ok=True)
        own.write_text(file.read_text(encoding="utf-8").replace("sample_shop", "late"), encoding="utf-8")
    return warehouse
