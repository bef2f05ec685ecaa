"""Every relative link between the documents leads to a file, and to a heading where it names one."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from orchestration.core.settings import PROJECT_ROOT

FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


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


def dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(FENCED.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{page.name}: {link}")
    return dead


def test_links_between_documents_are_alive() -> None:
    assert len(documents()) > 50
    assert [dead for page in documents() for dead in dead_links(page)] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    other.write_text("# One `two`\n\n## Two\n\n## Two\n\n```sh\n# three\n```\n")
    alive = "[a](other.md) [b](other.md#one-two) [c](other.md#two-1) [d](#here) [e](https://example.com/x.md)"
    page.write_text(f"# Here\n{alive} [f](gone.md) [g](other.md#three) [h](#there)\n")
    assert dead_links(page) == ["page.md: gone.md", "page.md: other.md#three", "page.md: #there"]


def test_what_alerts_and_messages_name_is_a_page() -> None:
    programs = [
        *(PROJECT_ROOT / "orchestration").rglob("*.py"),
        *(PROJECT_ROOT / "expectations").rglob("*.py"),
    ]
    named = {page for path in programs for page in re.findall(r"docs/[\w/-]+\.md", path.read_text())}
    assert len(named) > 5
    assert sorted(page for page in named if not (PROJECT_ROOT / page).exists()) == []
