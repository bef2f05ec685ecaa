"""The definitions of docs/metrics, cut into parts: they are written down there and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.settings import PROJECT_ROOT

SUBJECTS = ("aipl", "fast", "growth")
METRICS = PROJECT_ROOT / "docs" / "metrics"
HEADING = re.compile(r"^##? (.*)\n", re.MULTILINE)
# The outputs in the documents are those of the sample shop; a page has the release itself to ask.
EXAMPLE = re.compile(r"```sql\n(.*?)\n*```\n(?:\n```text\n.*?```\n?)?", re.DOTALL)
LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


@dataclass(frozen=True)
class Part:
    """A heading with what stands below it: pieces in their order, text (Markdown) or a query."""

    title: str
    pieces: tuple[tuple[str, str], ...]


def document(subject: str, language: str) -> Path:
    """The document of a subject in one of the languages of the pages."""
    return METRICS / (f"{subject}.md" if language == "en" else f"{subject}.{language}.md")


def parts(document: Path) -> list[Part]:
    """The parts of a document, its introduction first, under the title of the whole."""
    _, *found = HEADING.split(document.read_text(encoding="utf-8"))
    return [Part(title.strip(), _pieces(body)) for title, body in zip(found[::2], found[1::2], strict=True)]


def _pieces(text: str) -> tuple[tuple[str, str], ...]:
    """Links to other files lead nowhere from a page, and stay as their words."""
    cut = EXAMPLE.split(text)
    pieces = [
        ("sql", piece) if number % 2 else ("text", LINK.sub(r"\1", piece).strip())
        for number, piece in enumerate(cut)
    ]
    return tuple((kind, piece) for kind, piece in pieces if piece)
