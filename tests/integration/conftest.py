"""Fixtures that more than one of the tests here needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from login_server import Server, login_server
from tiny_project import deliver_two_days, make_tiny
from verdicts import judge_with

from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.build.prepared import prepare_manifest
from orchestration.core.settings import Settings


@pytest.fixture
def tiny(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """A home with the tiny project, parsed; no dumps yet.

    It stands at the same place for every test, since what dbt parses belongs to the place: so it parses once.
    """
    home = tmp_path_factory.getbasetemp() / "tiny"
    parsed = home.with_name("parsed")
    home.mkdir()
    settings = make_tiny(home)
    if parsed.exists():
        shutil.copytree(parsed, settings.dbt_target)
    else:
        prepare_manifest(settings, dbt_sources(settings, configured_sources(settings)))
        shutil.copytree(settings.dbt_target, parsed)
    yield settings
    home.rename(tmp_path / "home")


@pytest.fixture
def settings(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two shops that have delivered two days each, and a mart gate that is content."""
    deliver_two_days(tiny)
    judge_with(monkeypatch)
    return tiny


@pytest.fixture
def server() -> Iterator[tuple[type[Server], str]]:
    """A web server whose dump whoever has its `login` may read."""
    with login_server("") as serving:
        yield serving
