"""`aipl marts`: what the marts are, as their contracts say it."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from expectations.contracts import Contract, read_contracts
from orchestration.core.errors import InputError
from orchestration.publish.query import Result, to_text

WIDTH = 110


def marts_text(dbt_project: Path) -> str:
    """A line for each mart: its owner and its grain."""
    marts = read_contracts(dbt_project).values()
    rows: list[tuple[object, ...]] = [(mart.name, mart.owner or None, _plain(mart.grain)) for mart in marts]
    return to_text(Result(["mart", "owner", "grain"], rows)).decode()


def mart_text(dbt_project: Path, name: str) -> str:
    """What a mart is, its key and owner, and its columns with their types.

    Raises InputError, with the names that are nearest, when there is no such mart.
    """
    marts = read_contracts(dbt_project)
    if name not in marts:
        near = [known for known in marts if name in known] or list(marts)
        raise InputError(f"There is no mart {name}. `aipl marts` lists them: {', '.join(near)}.")
    mart = marts[name]
    rows: list[tuple[object, ...]] = [
        (column.name, column.data_type, _plain(column.description)) for column in mart.columns
    ]
    columns = to_text(Result(["column", "type", "meaning"], rows)).decode()
    return "\n".join([*_about(mart), "", columns])


def _about(mart: Contract) -> list[str]:
    where = "built by dbt"
    if mart.made_at_publish:
        where = "made when a release is published"
    elif mart.published == "view_only":
        where = "a view that computes what a query asks for"
    return [
        f"{mart.name} ({where})",
        fill(_plain(mart.description), WIDTH),
        f"key: {', '.join(mart.key) or 'none'}",
        f"owner: {mart.owner or 'none'}",
    ]


def _plain(text: str) -> str:
    return " ".join(text.split())
