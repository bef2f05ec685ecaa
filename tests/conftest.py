"""Fixtures that more than one kind of test needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real dumps: `AIPL_TEST_DATA`, else `../shared/data` beside the checkout."""
    named = os.environ.get("AIPL_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real dumps at {folder}; set AIPL_TEST_DATA to the folder that holds them")
    return folder
