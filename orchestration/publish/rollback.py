"""Make an earlier release current again, and remember it.

`rollbacks.json` lists every rollback. The last one counts only while `current` names the release that it went
back to: one that was killed before it moved the pointer does not count, and the next publication ends it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestration.build.state import content_of
from orchestration.core.account import account
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.files import write_json
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.core.versions import FORMAT, require_known
from orchestration.publish.releases import (
    Release,
    current_id,
    damages,
    find_release,
    list_releases,
    point_to,
    read_release,
    require_pointer,
    verify,
    why_none_is_current,
)

ROLLBACKS_FORMAT = 2


@dataclass(frozen=True)
class Rollback:
    """A rollback: when (ISO, UTC), from which release, to which one, and what it withdrew.

    `withdrawn` are the build ids, by release, of the whole releases after the one it went to; `by` is the
    account that asked for it, empty where that is not known.
    """

    at: str
    from_release: str
    to_release: str
    withdrawn: dict[str, str]
    by: str = ""

    @property
    def is_back(self) -> bool:
        """Whether it made an older release current, as opposed to undoing another rollback."""
        return bool(self.withdrawn) or self.to_release < self.from_release

    @property
    def told(self) -> str:
        """When it was done, by whom, from where and to where."""
        by = f" by {self.by}" if self.by else ""
        return f"Rolled back at {self.at}{by} from {self.from_release or 'none'} to {self.to_release}"

    @property
    def lines(self) -> list[str]:
        """What it took back, what ends it and what undoes it; empty where it took nothing back."""
        if not self.withdrawn:
            return []
        taken_back = ", ".join(sorted(self.withdrawn, reverse=True))
        return [
            f"{self.told}; withdrawn: {taken_back}.",
            "  The same content is not published again; new data, rules or sources are, with the next run.",
            f"  To undo it: `aipl rollback {max(self.withdrawn)}`.",
        ]


def rollback(
    settings: Settings,
    release_id: str | None = None,
    now: datetime | None = None,
    *,
    wait_seconds: float = 0,
    say: Callable[[str], None] | None = None,
) -> Rollback:
    """Make a release current again, by default the previous one, without disturbing readers.

    The builds of the releases after it are not published again until something new is built, but for damaged
    ones, which are to be made anew. A run that holds the lock is waited for so long, and `say` is told of it.

    Raises:
        InputError: there is nothing to go back to, or another process is writing.
        QualityStop: a file of that release is damaged.
        EnvironmentStop: something else is in place of the pointer.
    """
    with writer_lock(settings.home, wait_seconds=wait_seconds, say=say):
        require_pointer(settings)
        current = current_id(settings)
        target = find_release(settings, release_id) if release_id else _before(settings, current)
        if target.release_id == current:
            raise InputError(f"Release {current} is already current.")
        verify([target.folder])
        done = Rollback(
            at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
            from_release=current or "",
            to_release=target.release_id,
            withdrawn={
                release.release_id: release.manifest["build_id"]
                for release in list_releases(settings)
                if release.release_id > target.release_id
                and release.manifest["build_id"] != target.manifest["build_id"]
                and not damages(release.folder)
            },
            by=account(),
        )
        remember(settings, done)
        point_to(settings, target.folder)
        return done


def rollbacks(settings: Settings) -> list[Rollback]:
    """All rollbacks, the last one last.

    Raises EnvironmentStop when the record of them is damaged, or a newer program wrote it.
    """
    record = _record(settings)
    try:
        told = json.loads(record.read_text())
        require_known(record, told, ROLLBACKS_FORMAT)
        return [Rollback(**entry) for entry in told["rollbacks"]]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, LookupError) as error:
        raise EnvironmentStop(
            f"{record} is damaged: {error}. Restore it from the backup, or move it away: then the"
            " next run may republish what the last rollback withdrew."
        ) from error


def remember(settings: Settings, rollback: Rollback) -> None:
    """Add a rollback to the record."""
    entries = [asdict(entry) for entry in [*rollbacks(settings), rollback]]
    write_json(_record(settings), {FORMAT: ROLLBACKS_FORMAT, "rollbacks": entries})


def rollback_in_force(settings: Settings) -> Rollback | None:
    """The last rollback, if its target is still current; None once something new was published."""
    last = next(reversed(rollbacks(settings)), None)
    return last if last and last.to_release == current_id(settings) else None


def rollback_lines(settings: Settings) -> list[str]:
    """What a rollback in force means for users and operators; empty without one."""
    last = rollback_in_force(settings)
    return last.lines if last else []


def withdrawn_release(settings: Settings, build_id: str) -> str | None:
    """The withdrawn release with the content of this build, if there is one.

    A change in which sources are stale does not count as new content.
    """
    last = rollback_in_force(settings)
    builds = last.withdrawn if last else {}
    content = content_of(build_id)
    return next((release for release, build in builds.items() if content_of(build) == content), None)


def _record(settings: Settings) -> Path:
    return settings.published / "rollbacks.json"


def _before(settings: Settings, current: str | None) -> Release:
    """The predecessor of the current release, or the newest intact older one if that is unknown."""
    if current is None:
        raise InputError(why_none_is_current(settings))
    left = read_release(settings.published / "releases" / current)
    for release in list_releases(settings):
        if left and release.release_id == left.manifest.get("previous_release_id"):
            return release
        if not left and release.release_id < current and not damages(release.folder):
            return release
    raise InputError(
        f"There is no release before {current} to go back to. `aipl releases` lists those that are kept."
    )
