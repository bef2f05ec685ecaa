"""Pages that show a shop: its dumps as blocks under their names, and what is then written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = re.compile(r"^`([^`\n]+)`\n\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A whole file, or, in the language `diff`, lines of one that are replaced by others."""

    name: str
    language: str
    text: str

    @property
    def written(self) -> list[str]:
        """Lines that somebody writes."""
        lines = self.text.splitlines()
        return [line[1:] for line in lines if line[0] == "+"] if self.language == "diff" else lines


def blocks(page: str) -> list[Block]:
    """The blocks of a page that have a file name above them."""
    return [Block(*found) for found in FILE.findall(page)]


def write(root: Path, found: Iterable[Block], encoding: str = "utf-8") -> None:
    """Write files below a folder, or change them: what a diff takes out must be there exactly once."""
    for block in found:
        path = root / block.name
        if block.language != "diff":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding=encoding)
            continue
        # Each group of `-` lines with the `+` lines after it is a change of its own.
        for removed, added in re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", block.text, re.MULTILINE):
            before, after = (re.sub("^.", "", lines, flags=re.MULTILINE) for lines in (removed, added))
            text = path.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{block.name} has {text.count(before)} times:\n{before}"
            path.write_text(text.replace(before, after), encoding="utf-8")
