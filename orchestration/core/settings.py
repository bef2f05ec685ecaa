"""The one reader of the environment: where state lives, which sources and which alerts file are in force."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.errors import InputError

# The home stands in SQL and in file patterns of the dbt project.
UNSAFE = set("'\"*?[]{}")
# The current one and the one to go back to.
FEWEST_RELEASES = 2
PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Folders and files of one warehouse; every path hangs below `home`."""

    home: Path
    sources_file: Path
    alerts_file: Path = PROJECT_ROOT / "alerts.yml"
    kept_releases: int = 30
    memory: str = "4GB"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `AIPL_HOME` (default: `data/` of the project), `AIPL_SOURCES` and `AIPL_ALERTS`.

        The latter two default to `sources.yml` and `alerts.yml` of the project. `AIPL_KEEP_RELEASES` is how
        many releases are kept, 30 by default. `AIPL_MEMORY` is what the engine of a build may hold before it
        spills to disk, 4GB by default.

        Raises InputError for a home whose name SQL and file patterns would misread, for anything but a number
        of releases from 2 on, and for anything but a size.
        """
        home = os.environ.get("AIPL_HOME") or PROJECT_ROOT / "data"
        if found := UNSAFE & set(str(home)):
            raise InputError(
                f"AIPL_HOME {home} holds {' '.join(sorted(found))}, which have a special meaning in SQL and "
                "file patterns. Choose a folder without them."
            )
        sources_file = os.environ.get("AIPL_SOURCES") or PROJECT_ROOT / "sources.yml"
        alerts_file = os.environ.get("AIPL_ALERTS") or PROJECT_ROOT / "alerts.yml"
        kept = os.environ.get("AIPL_KEEP_RELEASES") or str(cls.kept_releases)
        if not re.fullmatch("[0-9]{1,9}", kept) or int(kept) < FEWEST_RELEASES:
            raise InputError(f"AIPL_KEEP_RELEASES is {kept!r}. Give a number of releases, at least 2.")
        memory = os.environ.get("AIPL_MEMORY") or cls.memory
        if not re.fullmatch("[1-9][0-9]{0,5}(MB|GB)", memory):
            raise InputError(f"AIPL_MEMORY is {memory!r}. Give a size in MB or GB, such as 4GB.")
        home, sources_file, alerts_file = (
            Path(path).expanduser().resolve() for path in (home, sources_file, alerts_file)
        )
        return cls(home, sources_file, alerts_file, int(kept), memory)

    @property
    def person_key(self) -> str | None:
        """The secret of `AIPL_PERSON_KEY`; no field, since fields are shown and stored."""
        return os.environ.get("AIPL_PERSON_KEY") or None

    @property
    def mirror_url(self) -> str | None:
        """The PostgreSQL database of `AIPL_MIRROR_URL`, its password included; no field either."""
        return os.environ.get("AIPL_MIRROR_URL") or None

    @property
    def person_key_file(self) -> Path:
        """The secret of a home that is given none."""
        return self.home / "person.key"

    @property
    def landing(self) -> Path:
        """Dumps as they came, never altered."""
        return self.home / "landing"

    @property
    def arrivals(self) -> Path:
        """Parsed files that no gate has let through: waiting, or refused."""
        return self.home / "arrivals"

    @property
    def raw(self) -> Path:
        """Parsed files of accepted loads, and nothing else: what dbt staging reads."""
        return self.home / "raw"

    @property
    def rejects(self) -> Path:
        """Rows that could not be read, with file, row number, text and reason."""
        return self.home / "rejects"

    @property
    def manifest(self) -> Path:
        """The load manifest: one SQLite file, the memory of arrival."""
        return self.home / "loads.sqlite"

    @property
    def alerts(self) -> Path:
        """Incidents and the outbox of alerts: one SQLite file."""
        return self.home / "alerts.sqlite"

    @property
    def arrival(self) -> Path:
        """What dbt is told of arrival: `files`, `sources`, `brands` and `applied` as Parquet."""
        return self.home / "arrival"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that dbt writes; readers never open it."""
        return self.home / "warehouse" / "warehouse.duckdb"

    @property
    def build_state(self) -> Path:
        """Whether the last dbt build finished, and from what."""
        return self.home / "warehouse" / "state.json"

    @property
    def published(self) -> Path:
        """Releases and the `current` pointer."""
        return self.home / "published"

    @property
    def reports(self) -> Path:
        """Gate results and their pages."""
        return self.home / "reports"

    @property
    def crash_log(self) -> Path:
        """Traceback of the last crash of the command line."""
        return self.home / "logs" / "crash.log"

    @property
    def dagster_home(self) -> Path:
        """Run history of Dagster."""
        return self.home / "dagster"

    @property
    def dbt_target(self) -> Path:
        """Compiled dbt artefacts."""
        return self.home / "dbt"

    @property
    def dbt_project(self) -> Path:
        """The dbt project of this checkout."""
        return PROJECT_ROOT / "dbt_project"

    @property
    def suites(self) -> Path:
        """Suites of the marts, a file each."""
        return PROJECT_ROOT / "expectations" / "suites" / "marts"
