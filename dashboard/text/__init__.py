"""Every word of the pages, in each language, from one table: labels.yml."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from expectations.contracts import SafeLoader

LANGUAGES = {"en": "English", "zh": "中文"}


@cache
def labels() -> dict[str, dict[str, str]]:
    """By key the text in each language."""
    words = Path(__file__).with_name("labels.yml").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = yaml.load(words, SafeLoader)
    return table


def retold(language: str, words: str) -> str:
    """A reason of the warehouse, which is in English, in another language.

    By the texts `reject_...` whose English it is, the first first, with the texts `noun_...` within it;
    unchanged where there is none.
    """
    nouns = {told["en"]: told[language] for key, told in labels().items() if key.startswith("noun_")}
    for pattern, told in _reasons():
        if found := pattern.fullmatch(words):
            return told[language].format(
                **{key: nouns.get(one, one) for key, one in found.groupdict().items()}
            )
    return words


@cache
def _reasons() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    """Patterns of the English texts of reasons, with their texts by language."""
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(told["en"]))), told)
        for key, told in labels().items()
        if key.startswith("reject_")
    ]


def text(language: str, key: str, **values: object) -> str:
    """A text with its values filled in. Raises KeyError for a key or a language that the table lacks."""
    return labels()[key][language].format(**values)
