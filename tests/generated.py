"""Write the blocks of documents that follow from other files; with `--check`, name those that are stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from laws_page import PAGE, laws_page

from expectations.contracts import read_contracts

OVERVIEW = "dbt_project/models/overview.md"
BLOCK = re.compile(r"(<!-- marts: .*? -->\n).*?(<!-- /marts -->)", re.DOTALL)


def mart_table(root: Path) -> str:
    """Every mart with its grain, facts before dimensions."""
    contracts = read_contracts(root / "dbt_project").values()
    lines = [
        f"| `{mart.name}` | {mart.grain.removeprefix('One row per ')} |"
        for mart in sorted(contracts, key=lambda mart: mart.name.startswith("dim_"))
    ]
    return "\n".join(["| mart | one row per |", "|---|---|", *lines, ""])


def stale_documents(root: Path) -> dict[Path, str]:
    """Documents that are not as they should be, with the text that they should have."""
    overview, table = root / OVERVIEW, mart_table(root)
    text, blocks = BLOCK.subn(lambda block: block[1] + table + block[2], overview.read_text())
    if not blocks:
        raise SystemExit(f"{OVERVIEW} has no block between `<!-- marts: ... -->` and `<!-- /marts -->`.")
    current = {overview: text, root / PAGE: laws_page(root)}
    return {document: text for document, text in current.items() if document.read_text() != text}


def main(arguments: list[str], root: Path = Path(__file__).parents[1]) -> int:
    """Write or check; returns the exit code."""
    stale = stale_documents(root)
    for document, text in stale.items():
        if "--check" in arguments:
            print(f"{document.relative_to(root)} is stale: run `make format`.")
        else:
            document.write_text(text)
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
