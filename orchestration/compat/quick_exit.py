"""An exit that does not free every object: Python 3.11 to 3.13, `atexit._run_exitfuncs`.

A process that has imported dbt, Dagster and Great Expectations takes two processor seconds to free them.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End this process as `sys.exit` does, what was registered for its end included, but free nothing."""
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)
