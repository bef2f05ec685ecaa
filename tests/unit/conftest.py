"""Tests here need no dbt, no Dagster and no Great Expectations, unless they are marked `slow`.

Where one of them imports one of these, it fails. All that are not marked are `make test-fast`.
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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None]:
    """Set up what a test needs, fixtures of its module among it."""
    if item.get_closest_marker("slow"):
        return (yield)
    with no_slow_import():
        return (yield)


# The same while the test itself runs.
pytest_runtest_call = pytest_runtest_setup


@pytest.fixture(scope="module", autouse=True)
def lenient_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    """A mart gate that lets everything through, but where expectations are what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        if not of_expectations(request.path):
            judge_with(patch)
        yield
