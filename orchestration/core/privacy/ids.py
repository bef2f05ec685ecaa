"""Ids as staging reads them (macro `read_by_role`), for what looks for a person outside the warehouse."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Whether ids are read in lower case; None: as they are.
IdCase = Literal["lower"] | None

_BLANKS = "[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
_GUARDED = re.compile(rf"""{_BLANKS}(?:="([^"]*)"|"([^"]*)"|'?(.*?)){_BLANKS}""", re.DOTALL)
_FLOAT = re.compile(r"([0-9]+)\.0+")


def clean_id(value: object, id_case: IdCase = None) -> str:
    """A delivered id as one text: `="10002"`, `'10002`, ` 10002` and `10002.0` are `10002`."""
    visible = "".join(char for char in str(value) if unicodedata.category(char) not in ("Cc", "Cf"))
    guarded = _GUARDED.fullmatch(visible)
    text = re.sub(f"^{_BLANKS}|{_BLANKS}$", "", "".join(guarded.groups("")) if guarded else visible)
    number = _FLOAT.fullmatch(text)
    text = number[1] if number else text
    # One letter for one, as in DuckDB: `lower` of a whole text knows other rules.
    return "".join(char.lower()[0] for char in text) if id_case == "lower" else text
