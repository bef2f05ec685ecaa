"""What a page of the runbooks says and what it has typed, for the tests that follow it."""

from __future__ import annotations

import re

from orchestration.core.settings import PROJECT_ROOT

RUNBOOKS = PROJECT_ROOT / "docs" / "runbooks"


def section(page: str, heading: str) -> str:
    """What a page says under a heading, up to the next one."""
    text = (RUNBOOKS / page).read_text()
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no '{heading}'"
    return found[1]


def commands(page: str, heading: str) -> list[str]:
    """The commands under a heading."""
    found = re.findall(r"^\s*\$ (.+)$", section(page, heading), re.MULTILINE)
    assert found, f"{page} has no command under '{heading}'"
    return found
