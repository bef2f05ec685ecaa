"""Texts that came with the data, made safe for a terminal and for a spreadsheet."""

from __future__ import annotations

import unicodedata

LONGEST_MESSAGE = 1_000
# What spreadsheets take for the beginning of a formula, in both widths.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    r"""A text with everything that a terminal would obey written as an escape.

    >>> printable("a\x1b[2Jb\n")
    'a\\x1b[2Jb\\n'
    """
    if is_printable(text):
        return text
    return "".join(letter if is_printable(letter) else _escaped(letter) for letter in text)


def is_printable(text: str) -> bool:
    """Whether a terminal would show a text as it is; wide and unbroken spaces count as letters."""
    return text.isprintable() or all(
        letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in text
    )


def printable_lines(text: str) -> str:
    """The same, with the line ends kept: for messages of several lines."""
    return "\n".join(map(printable, text.split("\n")))


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """A text of at most so many characters, with a mark where it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def formula_safe(text: str) -> str:
    """A printable text that no spreadsheet calculates: what begins like a formula gets a quotation mark."""
    text = printable(text)
    return f"'{text}" if text.startswith(FORMULA) else text


def _escaped(letter: str) -> str:
    # `backslashreplace` alone would let through what can be encoded, such as ESC.
    return letter.encode("unicode_escape", "backslashreplace").decode()
