"""Every word of the pages, in each language, from one table: labels.yml."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

LANGUAGES = {"en": "English", "zh": "中文"}


@cache
def labels() -> dict[str, dict[str, str]]:
    """By key the text in each language."""
    table: dict[str, dict[str, str]] = yaml.safe_load(
        Path(__file__).with_name("labels.yml").read_text(encoding="utf-8")
    )
    return table


def text(language: str, key: str, **values: object) -> str:
    """A text with its values filled in. Raises KeyError for a key or a language that the table lacks."""
    return labels()[key][language].format(**values)
