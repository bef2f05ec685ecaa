"""Text made safe for terminals and spreadsheets, and counts with their nouns."""

from __future__ import annotations

import unicodedata

LONGEST_MESSAGE = 1_000
# Characters that start a formula in spreadsheets, in half and full width.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    r"""A text with terminal control characters escaped.

    >>> printable("a\x1b[2Jb\n")
    'a\\x1b[2Jb\\n'
    """
    if is_printable(text):
        return text
    return "".join(letter if is_printable(letter) else _escaped(letter) for letter in text)


def is_printable(text: str) -> bool:
    """Whether a terminal shows a text unchanged; wide and non-breaking spaces count as letters."""
    return text.isprintable() or all(
        letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text
    )


def printable_lines(text: str) -> str:
    """The same for multi-line messages: line ends are kept."""
    return "\n".join(map(printable, text.split("\n")))


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """A text cut to at most `longest` characters, ending in an ellipsis if it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the singular or plural: "1 load", "2 loads"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def formula_safe(text: str) -> str:
    """A printable text that no spreadsheet evaluates: a leading quote disarms formulas."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def _escaped(letter: str) -> str:
    # `backslashreplace` alone would let through what can be encoded, such as ESC.
    return letter.encode("unicode_escape", "backslashreplace").decode()


def sized(count: float) -> str:
    """A number of bytes as people say it, in powers of 1000: "999 B", "1.4 GB"."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while abs(size) >= 999.5 and len(units) > 1:
        size /= 1000
        units.pop(0)
    digits = 1 if units[0] != "B" and abs(size) < 99.95 else 0
    return f"{size:,.{digits}f} {units[0]}"
