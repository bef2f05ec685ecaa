"""What decides the rows of a warehouse, and the laws that judge them, as two hashes of a dbt project.

Whatever is not known to describe or to test counts as deciding rows, so a new kind of file or key rebuilds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Set
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from expectations.contracts import SafeLoader
from orchestration.build.rules import COLUMNS

ENGINE = ("dbt-core", "dbt-duckdb", "duckdb", "statsmodels", "scipy", "numpy")
READ_BY_DBT = {".sql", ".py", ".yml", ".yaml", ".csv", ".md"}
YAML = {".yml", ".yaml"}
LAWS = {"data_tests", "tests"}
# Keys at the top of a properties file, or of dbt_project.yml, that make no table.
NOT_BUILT = {
    "analyses",
    "exposures",
    "groups",
    "macros",
    "metrics",
    "saved-queries",
    "saved_queries",
    "semantic-models",
    "semantic_models",
    "unit_tests",
}
# Keys of lists of entries: what is built, at the top of a file, and what such an entry has in turn.
ENTRIES = {"columns", "models", "seeds", "snapshots", "sources", "tables"}
# Keys of an entry, of its `config`, and of the `meta` in that.
TEXTS = {"description", "docs"}
CONFIG_TEXTS = {"docs", "group"}
META_TEXTS = {"owner"}


def project_files(project: Path) -> dict[str, Path]:
    """All that dbt reads of a project, by relative path.

    The seeds with the rules are left out: a change of rules alone rebuilds the stages only.
    """
    return {
        path.relative_to(project).as_posix(): path
        for path in sorted(project.rglob("*"))
        if path.suffix in READ_BY_DBT
        and path.stem not in COLUMNS
        and not {"target", "logs"} & set(path.relative_to(project).parts)
    }


def project_hash(project: Path, dbt_sources: str) -> str:
    """Of all that a manifest depends on: each byte of the project, declared sources (JSON), packages."""
    files = {name: _checksum(path.read_bytes()) for name, path in project_files(project).items()}
    return digest(json.dumps(files), dbt_sources, *_engine())


def fingerprints(project: Path, dbt_sources: str, engine: Iterable[str] = ()) -> tuple[str, str]:
    """Of what decides rows: code, seeds, configuration, declared sources (JSON), packages; and of the laws.

    `engine` are the versions of packages that are not of this environment.
    """
    rows: dict[str, str] = {}
    laws: dict[str, str] = {}
    for name, path in project_files(project).items():
        if path.suffix in YAML:
            content = _parsed(path)
            for parts, kept in ((rows, _rows_of(content)), (laws, _laws_of(content))):
                if kept:
                    parts[name] = json.dumps(kept, default=repr)
        elif path.suffix != ".md":
            parts = laws if name.startswith("tests/") else rows
            parts[name] = _checksum(path.read_bytes())
    return digest(json.dumps(rows), dbt_sources, *_engine(), *engine), digest(json.dumps(laws))


def digest(*parts: str) -> str:
    """SHA-256 of the parts, hexadecimal; their borders count."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _rows_of(document: Any) -> Any:
    """A YAML file without what decides no row."""
    return _without(document, NOT_BUILT | LAWS) if isinstance(document, dict) else document


def _without(content: dict[str, Any], dropped: Set[str]) -> dict[str, Any]:
    """The content without some keys, and without what is empty then."""
    kept = {key: _kept(key, value) for key, value in content.items() if key not in dropped}
    return {key: value for key, value in kept.items() if value not in ({}, [])}


def _kept(key: str, value: Any) -> Any:
    """What decides rows of the value of a key; an entry that has only its name left decides nothing."""
    if isinstance(value, list) and key in ENTRIES:
        entries = [_without(one, TEXTS | LAWS) if isinstance(one, dict) else one for one in value]
        return [one for one in entries if not isinstance(one, dict) or one.keys() != {"name"}]
    if isinstance(value, dict) and key == "config":
        return _without(value, CONFIG_TEXTS)
    if isinstance(value, dict) and key == "meta":
        return _without(value, META_TEXTS)
    return value


def _laws_of(document: Any) -> Any:
    """The laws of a YAML file with the entries that they are of; None without any.

    Whatever stands under one of their keys counts, wherever that is: a law too many is only judged again.
    """
    if isinstance(document, list):
        return [laws for one in document if (laws := _laws_of(one))] or None
    if not isinstance(document, dict):
        return None
    found = {key: _undescribed(value) if key in LAWS else _laws_of(value) for key, value in document.items()}
    laws = {key: value for key, value in found.items() if value is not None}
    return {"name": document.get("name"), **laws} if laws else None


def _undescribed(law: Any) -> Any:
    if isinstance(law, dict):
        return {key: _undescribed(value) for key, value in law.items() if key != "description"}
    return [_undescribed(one) for one in law] if isinstance(law, list) else law


def _parsed(path: Path) -> Any:
    """The content of a YAML file; its bytes where it is none, which dbt will say."""
    content = path.read_bytes()
    try:
        return yaml.load(content, SafeLoader)
    except yaml.YAMLError:
        return _checksum(content)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _engine() -> Iterator[str]:
    return (f"{name} {version(name)}" for name in ENGINE)
