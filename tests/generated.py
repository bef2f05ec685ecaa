"""Write the blocks of documents that follow from other files; with `--check`, name those that are stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from laws_page import PAGE, laws_page
from measures import measure_table

from expectations.contracts import read_contracts

OVERVIEW = "dbt_project/models/overview.md"
MEASURES = {"docs/metrics/growth.md": "en", "docs/metrics/growth.zh.md": "zh"}


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
    current = {
        root / PAGE: laws_page(root),
        root / OVERVIEW: _with_block(root, OVERVIEW, "marts", mart_table(root)),
    }
    for document, language in MEASURES.items():
        table = measure_table(root, language)
        current[root / document] = _with_block(root, document, "measures", table)
    return {document: text for document, text in current.items() if document.read_text() != text}


def _with_block(root: Path, document: str, name: str, content: str) -> str:
    """The text of a document with the present content of one block."""
    block = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text, blocks = block.subn(lambda found: found[1] + content + found[2], (root / document).read_text())
    if not blocks:
        raise SystemExit(f"{document} has no block between `<!-- {name}: ... -->` and `<!-- /{name} -->`.")
    return text


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
