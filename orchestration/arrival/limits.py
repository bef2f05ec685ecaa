"""How large a dump may be: far above any honest one, far below what would bring the machine down.

`docs/contracts.md` states them. Each is checked while reading, before it costs memory or disk.
"""

from __future__ import annotations

FILE_BYTES = 64 << 30
EXPANDED_BYTES = 256 << 30
LINE_CHARACTERS = 16 << 20
COLUMNS = 2_000
# Of the name of a dump, relative to `dumps`: what an object store and a file system can both hold.
NAME_BYTES = 1_024
NAME_PART_BYTES = 255
