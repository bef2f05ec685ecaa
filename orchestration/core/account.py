"""Who runs this program."""

from __future__ import annotations

import getpass


def account() -> str:
    """Name of the account that runs this program, or empty if unknown."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
