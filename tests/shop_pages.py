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
    """Write files below a folder, or change them: the old lines of each part of a diff must be there once.

    Parts of a diff are divided by lines that begin with `@@`.
    """
    for block in found:
        path = root / block.name
        if block.language != "diff":
            # A page may show a file that a command has written.
            assert not path.exists() or path.read_text(encoding="utf-8") == block.text, block.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding=encoding)
            continue
        for hunk in re.split(r"^@@.*\n", block.text, flags=re.MULTILINE):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            text = path.read_text(encoding="utf-8")
            assert text.count(before) == 1, f"{block.name} has {text.count(before)} times:\n{before}"
            path.write_text(text.replace(before, after), encoding="utf-8")
