"""Around dbt: accepted loads into raw before it, the state of the build before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from orchestration.arrival.dbt_inputs import forget_applied, mark_applied, write_arrival
from orchestration.arrival.loads import complete_columns, promote
from orchestration.arrival.manifest import require_manifest
from orchestration.arrival.retired import retire
from orchestration.build.rejects import keep_rejects
from orchestration.build.rules import check_rules, rules_hash
from orchestration.build.state import (
    Build,
    build_id,
    discard_warehouse,
    fingerprint,
    is_untouched,
    needs_all_laws,
    needs_full_refresh,
    read_build,
    warehouse_mark,
    write_build,
)
from orchestration.core.lock import writer_lock
from orchestration.core.privacy.erased import read_erased
from orchestration.core.settings import Settings
from orchestration.sources.source import Source


@dataclass(frozen=True)
class Preparation:
    """A build that is about to start; `is_full` when nothing of the last one may be kept.

    `rules_changed` when the stages of all persons are to be judged anew, `proves_all` when laws look at all
    rows, not only at those of changed keys.
    """

    build: Build
    is_full: bool
    rules_changed: bool
    proves_all: bool

    @property
    def variables(self) -> dict[str, str]:
        """What dbt has to know of it, as environment."""
        return {
            "AIPL_DBT_RULES_CHANGED": str(self.rules_changed).lower(),
            "AIPL_DBT_LAWS": "all" if self.proves_all else "changed",
        }


def tell_dbt(settings: Settings, sources: Mapping[str, Source]) -> list[str]:
    """Bring raw, and what dbt is told of arrival, in line with the load manifest and the declarations.

    Returns what was retired, in words.
    """
    require_manifest(settings)
    with writer_lock(settings.home):
        retired = [retire(settings, source) for source in sources.values()]
        for source in sources.values():
            promote(settings, source)
            complete_columns(settings, source)
        write_arrival(settings, sources)
    return [told for told in retired if told]


def present_build(settings: Settings, dbt_sources: str) -> Build:
    """The build that SQL, declarations and what dbt is told ask for now, as if it were finished."""
    program, rules = fingerprint(settings.dbt_project, dbt_sources), rules_hash(settings.dbt_project)
    erased = read_erased(settings).generation
    return Build("complete", program, build_id(program, rules, settings.arrival, erased), rules)


def prepare_build(settings: Settings, dbt_sources: str) -> Preparation:
    """Note that a build begins, so that it counts as broken until `finish_build`.

    Raises InputError when the rules cannot be built.
    """
    check_rules(settings.dbt_project)
    last = read_build(settings)
    build, today = present_build(settings, dbt_sources), datetime.now(UTC).date()
    is_full = needs_full_refresh(last, build.fingerprint) or not is_untouched(settings, last)
    proves_all = is_full or needs_all_laws(last, today)
    proved_on = today.isoformat() if last is None or proves_all else last.proved_on
    build = replace(build, state="building", proved_on=proved_on)
    rules_changed = last is not None and not is_full and last.rules != build.rules
    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with writer_lock(settings.home):
        if is_full:
            discard_warehouse(settings)
            forget_applied(settings)
        write_build(settings, build)
    return Preparation(build, is_full, rules_changed, proves_all)


def finish_build(settings: Settings, build: Build) -> None:
    """Note that everything was built: the next build may add to it; keep its rejects for people.

    Raises EnvironmentStop when this run has lost the home to another one.
    """
    with writer_lock(settings.home):
        keep_rejects(settings)
        mark_applied(settings)
        write_build(settings, replace(build, state="complete", warehouse=warehouse_mark(settings)))
