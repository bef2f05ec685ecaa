"""docs/faults.md promises nothing that no test does."""

from __future__ import annotations

import re

from orchestration.core.settings import PROJECT_ROOT


def test_each_row_names_a_test_that_exists() -> None:
    tests = "\n".join(path.read_text() for path in (PROJECT_ROOT / "tests").rglob("test_*.py"))
    rows = [
        line
        for line in (PROJECT_ROOT / "docs" / "faults.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| fault |")
    ]
    assert len(rows) > 15
    for row in rows:
        names = re.findall(r"`(test_\w+)`", row.rsplit(" | ", 1)[1])
        assert names and all(f"def {name}(" in tests for name in names), row
