"""The documents of the project, and the anchors that a link can name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from orchestration.settings import PROJECT_ROOT

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def documents() -> list[Path]:
    return sorted([*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """Its headings as GitHub names them (a repeated one gets a number), and anchors set by hand."""
    text = FENCED.sub("", page.read_text())
    found, names = Counter[str](), set(re.findall(r'<a id="([\w-]+)">', text))
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found[anchor] += 1
        names.add(f"{anchor}-{found[anchor] - 1}" if found[anchor] > 1 else anchor)
    return names
