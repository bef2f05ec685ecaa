"""Exposures: what each page of the dashboard reads, so that lineage ends where people look."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.marts import MACROS

DASHBOARD = PROJECT_ROOT / "dashboard"
PAGES = sorted((DASHBOARD / "screens").glob("[!_]*.py"))
MODELS = PROJECT_ROOT / "dbt_project" / "models"
EXPOSURES: dict[str, dict[str, Any]] = {
    exposure["name"]: exposure
    for exposure in yaml.safe_load((MODELS / "exposures.yml").read_text())["exposures"]
}
MARTS = {file.stem for file in (MODELS / "marts").rglob("*.sql")}
# What opens every page: the header, and the names of brands and stages.
FRAME = ("app.py", "frame.py", "filters.py", "view.py")
# What pages put together, of queries in `data`.
SHARED = ("cards.py", "measures.py", "people.py")


def marts_in(code: str) -> set[str]:
    """Marts that code names, itself or by a table macro of the release."""
    macros = {file.stem: file.read_text() for file in MACROS.glob("*.sql")}
    called = [body for name, body in macros.items() if re.search(rf"\b{name}\b", code)]
    return {mart for text in (code, *called) for mart in re.findall(r"\w+", text) if mart in MARTS}


def names_in(code: str) -> set[str]:
    """Variables, functions and attributes that code uses."""
    nodes = [*ast.walk(ast.parse(code))]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


@cache
def data_parts() -> dict[str, str]:
    """Code of the functions, classes and constants that pages share, by name; of equal names together."""
    parts: dict[str, str] = defaultdict(str)
    for file in (*(DASHBOARD / "data").glob("*.py"), *(DASHBOARD / name for name in SHARED)):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                parts[node.name] += f"{ast.unparse(node)}\n"
            elif isinstance(node, ast.Assign):
                for name in names_in(ast.unparse(node.targets[0])):
                    parts[name] += f"{ast.unparse(node)}\n"
    return parts


def marts_of(page: Path) -> set[str]:
    """Marts in the code of a page and in all that it uses of these, however indirectly."""
    parts, code = data_parts(), page.read_text()
    used = names_in(code) & parts.keys()
    while more := names_in("".join(parts[name] for name in used)) & parts.keys() - used:
        used |= more
    return marts_in(code + "".join(parts[name] for name in used))


def test_an_exposure_says_what_it_is_and_who_answers_for_it() -> None:
    groups = yaml.safe_load((MODELS / "marts" / "_groups.yml").read_text())["groups"]
    owners = {group["owner"]["name"] for group in groups}
    for name, exposure in EXPOSURES.items():
        assert len(exposure["description"].split()) >= 5, name
        assert exposure["owner"]["name"] in owners, name


def test_every_page_is_an_exposure_that_names_the_marts_it_reads() -> None:
    declared = {
        name: {re.findall(r"'(\w+)'", reference)[-1] for reference in exposure["depends_on"]}
        for name, exposure in EXPOSURES.items()
    }
    frame = {mart for name in FRAME for mart in marts_of(DASHBOARD / name)}
    assert declared == {page.stem: frame | marts_of(page) for page in PAGES}
