"""The marts as their YAML files declare them: the one list of marts, read from the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

# In C where it was built with it: ten times as fast.
SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Column:
    """A column of a mart; `personal` is how a release treats it, "" where it names nobody."""

    name: str
    data_type: str
    description: str
    personal: str = ""


@dataclass(frozen=True)
class Contract:
    """What `<name>.yml` beside a mart's SQL says of it.

    `key` is empty where none is declared, `owner` (a dbt group) where there is none. Marts that are
    `made_at_publish` are dbt sources: they exist in releases only. A `view_only` would have too many rows to
    write: it computes those that a query asks for.
    """

    name: str
    file: Path
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    owner: str
    made_at_publish: bool = False
    # What a release holds: a table, a view whose rows are written to Parquet as well, or a view alone.
    published: Literal["table", "view", "view_only"] = "table"

    @property
    def grain(self) -> str:
        """The first sentence of the description."""
        return re.split(r"(?<=[.:;])\s", self.description, maxsplit=1)[0].rstrip(".:;")


def read_contracts(dbt_project: Path) -> dict[str, Contract]:
    """All marts of a dbt project by name, in the order of their files."""
    project = dbt_project / "dbt_project.yml"
    areas: Any = _mapping(project) if project.exists() else {}
    for name in ("models", "aipl", "marts"):
        areas = areas.get(name) or {}
    folder = dbt_project / "models" / "marts"
    return {
        contract.name: contract
        for file in sorted(folder.rglob("*.yml"))
        for contract in _contracts(file, areas.get(file.parent.name, {}).get("+group", ""))
    }


def _contracts(file: Path, group: str) -> Iterator[Contract]:
    content = _mapping(file)
    for model in content.get("models", []):
        yield _contract(file, model, group)
    for source in content.get("sources", []):
        for table in source["tables"]:
            yield _contract(file, table, group, made_at_publish=True)


def _contract(file: Path, mart: Mapping[str, Any], group: str, made_at_publish: bool = False) -> Contract:
    config = mart.get("config", {})
    meta = config.get("meta", {})
    return Contract(
        mart["name"],
        file,
        mart.get("description", ""),
        tuple(
            Column(
                column["name"],
                column.get("data_type", ""),
                column.get("description", ""),
                column.get("config", {}).get("meta", {}).get("personal", ""),
            )
            for column in mart.get("columns", [])
        ),
        tuple(meta.get("key") or _key(mart)),
        config.get("group") or meta.get("owner") or group,
        made_at_publish,
        meta.get("published", "table"),
    )


def _key(mart: Mapping[str, Any]) -> list[str]:
    """The unique key among the laws of a mart, empty without one."""
    bundles = (test["laws"]["arguments"]["laws"] for test in mart.get("data_tests", []) if "laws" in test)
    keys = (law["unique_key"]["key"] for laws in bundles for law in laws if "unique_key" in law)
    return list(next(keys, ()))


def _mapping(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = parsed(file.read_text()) or {}
    return content


@cache
def parsed(text: str) -> Any:
    """What a YAML text says, to be read only: a publish reads the files of all marts several times."""
    return yaml.load(text, SafeLoader)
