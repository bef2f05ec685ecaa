"""What a load is judged by: a refused load is judged again when any of it changes."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

from orchestration.core.settings import Settings
from orchestration.sources.source import Source, dbt_context

JUDGES = {".sql", ".yml", ".csv"}


def program_hash(settings: Settings) -> str:
    """Of the program, the dbt project and the suites: SHA-256, hexadecimal."""
    told = hashlib.sha256(version("aipl-warehouse").encode())
    for root in (settings.dbt_project, settings.suites):
        for path in sorted(path for path in root.rglob("*") if path.suffix in JUDGES):
            if not {"target", "logs"} & set(path.relative_to(root).parts):
                told.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
                told.update(path.read_bytes())
    return told.hexdigest()


def contract(settings: Settings, source: Source, program: str) -> str:
    """Name of all that decides about the loads of a source: its declaration and the program."""
    declared = dbt_context({source.source_id: source}, settings.dbt_project)
    asked = json.dumps([source.gate_contract, declared, program], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]
