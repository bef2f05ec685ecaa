"""Which columns name a person, by their names: what gates show and what alerts say leaves these out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

_IDS = "(?:person|member|visitor|customer|user|buyer)_(?:id|key|name)"
PERSONAL_NAME = f"(?:{_IDS}|source_key|e?_?mail|phone|mobile|address)"
MASK = "***"
_NAMED_LIKE = re.compile(rf"\w*{PERSONAL_NAME}\w*", re.IGNORECASE)
_IN_TEXT = re.compile(rf"\b({_NAMED_LIKE.pattern})=[^,\n]*", re.IGNORECASE)
T = TypeVar("T")


def mask_row(row: Mapping[str, T]) -> dict[str, T | str]:
    """A row without the values that say who it is about; NULL says nothing, and stays."""
    return {
        name: MASK if value is not None and _NAMED_LIKE.fullmatch(name) else value
        for name, value in row.items()
    }


def mask_text(text: str) -> str:
    """A text without them: `person_id=7` is written `person_id=***`."""
    return _IN_TEXT.sub(rf"\1={MASK}", text)
