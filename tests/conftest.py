"""Fixtures that more than one kind of test needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from parsed import SHARED
from postgres_server import Server, running_server, server_programs
from unit.alert_service import Webhook, webhook

# Tests publish releases of their own, which nobody's database is to show.
os.environ.pop("AIPL_MIRROR_URL", None)
# Nobody is to hear of their nights either.
os.environ.pop("AIPL_HEARTBEAT_URL", None)

# A change is judged by what it does: not by other examples than the last one, nor by how long they take.
hypothesis.settings.register_profile(
    "patient",
    parent=hypothesis.settings(),
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of what is dear and the same for all, which the workers of a run share."""
    if SHARED not in os.environ:
        os.environ[SHARED] = tempfile.mkdtemp(prefix="aipl-tests-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(SHARED)))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real dumps: `AIPL_TEST_DATA`, else `../shared/data` beside the checkout."""
    named = os.environ.get("AIPL_TEST_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real dumps at {folder}; set AIPL_TEST_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server for the tests that need one."""
    # A run of some tests alone may do without the extras.
    pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed; Debian's package is `postgresql`")
    with running_server(programs) as server:
        yield server


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """A service that alerts of the route to TEAM go to."""
    with webhook() as served:
        monkeypatch.setenv("TEAM", served.url)
        yield served
