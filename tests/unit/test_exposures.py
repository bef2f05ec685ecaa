"""Exposures: what each page of the dashboard reads, so that lineage ends where people look."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.marts import MACROS, MART

DASHBOARD = PROJECT_ROOT / "dashboard"
PAGES = sorted((DASHBOARD / "screens").glob("[!_]*.py"))
MODELS = PROJECT_ROOT / "dbt_project" / "models"
EXPOSURES: dict[str, dict[str, Any]] = {
    exposure["name"]: exposure
    for exposure in yaml.safe_load((MODELS / "exposures.yml").read_text())["exposures"]
}
# What opens every page: the header, and the names of brands and stages.
FRAME = ("app.py", "frame.py", "view.py")
needs_dashboard = pytest.mark.skipif(not PAGES, reason="there is no dashboard/ here")


@cache
def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


def marts_in(sql: str) -> set[str]:
    """Marts that a text names, itself or by a table macro of the release."""
    macros = {file.stem: file.read_text() for file in MACROS.glob("*.sql")}
    called = [body for name, body in macros.items() if re.search(rf"\b{name}\b", sql)]
    return {mart for text in (sql, *called) for mart in MART.findall(text)}


def parts_of(module: Path) -> dict[str, ast.stmt]:
    """Functions, classes and constants at the top of a module, by name."""
    parts: dict[str, ast.stmt] = {}
    for node in parse(module).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign):
            parts |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return parts


def imports_of(module: Path) -> Iterator[tuple[str, Path, str]]:
    """What a module imports of `dashboard.data`: its name here, its file, and there its name or ""."""
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dashboard.data"):
            folder = PROJECT_ROOT / str(node.module).replace(".", "/")
            for alias in node.names:
                own = folder / f"{alias.name}.py"
                file, name = (own, "") if own.exists() else (folder.with_suffix(".py"), alias.name)
                yield alias.asname or alias.name, file, name


def uses(tree: ast.AST, module: Path) -> Iterator[tuple[Path, str]]:
    """Files and names of what a piece of a module's code uses of itself and of `dashboard.data`."""
    imports = {known: (file, name) for known, file, name in imports_of(module)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield imports.get(node.value.id, (module, ""))[0], node.attr
        elif isinstance(node, ast.Name):
            yield imports.get(node.id, (module, node.id))


def marts_of(page: Path) -> set[str]:
    """Marts in the code of a page and in all that it uses of `dashboard.data`, however indirectly."""
    found, seen = marts_in(page.read_text()), set()
    wanted = list(uses(parse(page), page))
    while wanted:
        file, name = wanted.pop()
        part = parts_of(file).get(name)
        if part is not None and (file, name) not in seen:
            seen.add((file, name))
            found |= marts_in(ast.unparse(part))
            wanted += uses(part, file)
    return found


def test_an_exposure_says_what_it_is_and_who_answers_for_it() -> None:
    groups = yaml.safe_load((MODELS / "marts" / "_groups.yml").read_text())["groups"]
    owners = {group["owner"]["name"] for group in groups}
    for name, exposure in EXPOSURES.items():
        assert len(exposure["description"].split()) >= 5, name
        assert exposure["owner"]["name"] in owners, name


@needs_dashboard
def test_every_page_is_an_exposure_that_names_the_marts_it_reads() -> None:
    declared = {
        name: {re.findall(r"'(\w+)'", reference)[-1] for reference in exposure["depends_on"]}
        for name, exposure in EXPOSURES.items()
    }
    frame = {mart for name in FRAME for mart in marts_of(DASHBOARD / name)}
    assert declared == {page.stem: frame | marts_of(page) for page in PAGES}
