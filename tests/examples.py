"""Queries in the documents, each with its output: read, and written anew by `make examples`.

An example is a block ```sql followed by a block ```text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish.query import run_query, to_text

EXAMPLE = re.compile(r"```sql\n(?P<sql>.*?)```\n\n```text\n(?P<output>.*?)```", re.DOTALL)
METRICS = sorted((PROJECT_ROOT / "docs" / "metrics").glob("*.md"))
QUERIES = sorted((PROJECT_ROOT / "docs" / "queries").glob("[!R]*.md"))
DOCUMENTS = [*METRICS, *QUERIES]


def examples(document: Path) -> list[tuple[str, str]]:
    """The queries of a document with the outputs shown for them."""
    return [(found["sql"], found["output"]) for found in EXAMPLE.finditer(document.read_text())]


def answer(settings: Settings, sql: str) -> str:
    """What the current release answers, as `aipl query` prints it."""
    return to_text(run_query(settings, sql)).decode()


def refreshed(text: str, answer: Callable[[str], str]) -> str:
    """The text with every output as it is now."""
    return EXAMPLE.sub(lambda found: f"```sql\n{found['sql']}```\n\n```text\n{answer(found['sql'])}```", text)


if __name__ == "__main__":
    release = Settings(Path(sys.argv[1]).resolve(), PROJECT_ROOT / "sources.yml")
    for document in DOCUMENTS:
        document.write_text(refreshed(document.read_text(), lambda sql: answer(release, sql)))
