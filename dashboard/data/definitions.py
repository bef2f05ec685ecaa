"""The definitions of docs/metrics, cut into parts: they are written down there and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.settings import PROJECT_ROOT

SUBJECTS = ("aipl", "fast")
METRICS = PROJECT_ROOT / "docs" / "metrics"
# The outputs in the documents are those of the sample shop; a page has the release itself to ask.
EXAMPLE = re.compile(r"```sql\n(?P<sql>.*?)```\n(?:\n```text\n.*?```\n?)?", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def document(subject: str, language: str) -> Path:
    """The document of a subject in one of the languages of the pages."""
    return METRICS / (f"{subject}.md" if language == "en" else f"{subject}.{language}.md")


@dataclass(frozen=True)
class Part:
    """A heading with what stands below it: pieces in their order, text (Markdown) or a query."""

    title: str
    pieces: tuple[tuple[str, str], ...]


def parts(document: Path) -> list[Part]:
    """The parts of a document, its introduction first, under the title of the whole."""
    head, *rest = re.split(r"^## ", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    title, _, introduction = head.removeprefix("# ").partition("\n")
    found = [Part(title.strip(), _pieces(introduction))]
    for text in rest:
        title, _, body = text.partition("\n")
        found.append(Part(title.strip(), _pieces(body)))
    return found


def _pieces(text: str) -> tuple[tuple[str, str], ...]:
    """Links to other files lead nowhere from a page, and stay as their words."""
    pieces, end = [], 0
    for found in EXAMPLE.finditer(text):
        pieces.append(("text", text[end : found.start()]))
        pieces.append(("sql", found["sql"].rstrip("\n")))
        end = found.end()
    pieces.append(("text", text[end:]))
    return tuple(
        (kind, LINK.sub(r"\1", piece).strip() if kind == "text" else piece)
        for kind, piece in pieces
        if piece.strip()
    )
