"""Names of folders with everything in them that the home of a warehouse may hold."""

from __future__ import annotations

from orchestration.core.settings import UNSAFE

# Each sign that a keyboard has and the path of a home may hold, and letters that it has not.
SIGNS = "".join(
    sign for sign in map(chr, range(33, 127)) if not sign.isalnum() and sign not in {*UNSAFE, "/"}
)
ODD_NAME = f"-home {SIGNS} é 中"
