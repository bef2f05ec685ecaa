"""Exposures: what each page of the dashboard reads, so that lineage ends where people look."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.macros import MACROS, MART

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


def marts_in(sql: str) -> set[str]:
    """Marts that a text names, itself or by a table macro of the release."""
    macros = {file.stem: file.read_text() for file in MACROS.glob("*.sql")}
    called = [body for name, body in macros.items() if re.search(rf"\b{name}\b", sql)]
    return {mart for text in (sql, *called) for mart in MART.findall(text)}


def parts_of(module: Path) -> dict[str, ast.stmt]:
    """Functions, classes and constants at the top of a module, by name."""
    parts: dict[str, ast.stmt] = {}
    for node in ast.parse(module.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign):
            parts |= {target.id: node for target in node.targets if isinstance(target, ast.Name)}
    return parts


def module_file(name: str) -> Path | None:
    """The file of a module of `dashboard.data`; None for any other."""
    file = PROJECT_ROOT / f"{name.replace('.', '/')}.py"
    return file if name.startswith("dashboard.data.") and file.exists() else None


def uses(tree: ast.AST, imports: ast.Module) -> Iterator[tuple[Path, str]]:
    """Files and names of what a piece of code uses of `dashboard.data`."""
    modules, names = {}, {}
    for node in ast.walk(imports):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dashboard.data"):
            for alias in node.names:
                known = alias.asname or alias.name
                if file := module_file(f"{node.module}.{alias.name}"):
                    modules[known] = file
                elif file := module_file(node.module):
                    names[known] = (file, alias.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield modules[node.value.id], node.attr
        elif isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]


def marts_of(page: Path) -> set[str]:
    """Marts in the code of a page and in all that it uses of `dashboard.data`, however indirectly."""
    tree = ast.parse(page.read_text())
    found, seen, wanted = marts_in(page.read_text()), set(), list(uses(tree, tree))
    while wanted:
        file, name = wanted.pop()
        part = parts_of(file).get(name)
        if (file, name) in seen or part is None:
            continue
        seen.add((file, name))
        found |= marts_in(ast.unparse(part))
        wanted += uses(part, ast.parse(file.read_text()))
        wanted += [(file, node.id) for node in ast.walk(part) if isinstance(node, ast.Name)]
    return found


def declared(exposure: dict[str, Any]) -> set[str]:
    return {re.findall(r"'(\w+)'", reference)[-1] for reference in exposure["depends_on"]}


def test_an_exposure_says_what_it_is_and_who_answers_for_it() -> None:
    owners = {
        group["owner"]["name"]
        for group in yaml.safe_load((MODELS / "marts" / "_groups.yml").read_text())["groups"]
    }
    for name, exposure in EXPOSURES.items():
        assert len(exposure["description"].split()) >= 5, name
        assert exposure["owner"]["name"] in owners, name


@needs_dashboard
def test_every_page_is_an_exposure() -> None:
    assert EXPOSURES.keys() == {page.stem for page in PAGES}


@needs_dashboard
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_exposure_names_the_marts_that_its_page_reads(page: Path) -> None:
    frame = {mart for name in FRAME for mart in marts_of(DASHBOARD / name)}
    assert declared(EXPOSURES[page.stem]) == frame | marts_of(page)
