"""Macros of the dbt project as SQL for DuckDB, without dbt."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jinja2

from orchestration.core.settings import PROJECT_ROOT

MACROS = PROJECT_ROOT / "dbt_project" / "macros"


def duckdb_macros(*files: str) -> Any:
    """The macros of some files below `macros/`, by name; each gives the SQL of DuckDB."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["return"] = lambda value: value
    environment.globals["dbt"] = SimpleNamespace(type_string=lambda: "varchar")
    dispatch = lambda name: getattr(module, f"duckdb__{name}")  # noqa: E731
    environment.globals["adapter"] = SimpleNamespace(dispatch=dispatch)
    module: Any = environment.from_string("\n".join((MACROS / file).read_text() for file in files)).module
    return module
