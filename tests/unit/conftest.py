"""Tests here need no dbt, no Dagster and no Great Expectations, but for those of the expectations themselves.

Where one of them imports one of these, it fails. All that are not marked `slow` are `make test-fast`.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from verdicts import judge_with

SLOW = {"dagster", "dagster_dbt", "dbt", "great_expectations"}


def of_expectations(path: Path) -> bool:
    """Whether these tests are those of the expectations."""
    return path.name.startswith("test_expectations_")


class NoSlowImport:
    """A finder that refuses these packages."""

    def find_spec(self, name: str, *_: object) -> None:
        """Find nothing, whatever the name; raise for a slow one."""
        if name in SLOW:
            raise AssertionError(f"a test in tests/unit imports {name}: it belongs in tests/integration")


@contextmanager
def no_slow_import() -> Iterator[None]:
    """Refuse what is slow to import."""
    finder = NoSlowImport()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport]:
    """Import the tests."""
    if of_expectations(collector.path):
        return (yield)
    with no_slow_import():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the expectations."""
    for item in items:
        if of_expectations(item.path):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def fast(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No slow import, and a mart gate that lets everything through."""
    if of_expectations(request.path):
        yield
        return
    judge_with(monkeypatch)
    with no_slow_import():
        yield
