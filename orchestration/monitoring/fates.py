"""What became of an open incident that is not found any more: recovered only if it was judged again.

Pure functions: each is given what an observer judged now, and returns None for what it did not judge.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date

from expectations.results import ExpectationResult, GateResult
from orchestration.alerts.findings import RECOVERED, End, Finding, Subject
from orchestration.arrival.file_versions import Load, State
from orchestration.monitoring.findings import HELD_BACK, NOTHING_CHECKED, UNREADABLE
from orchestration.quality.new_loads import CAN_BE_STAGED, FEW_REJECTED

SHOWN = 3
STAGED = (CAN_BE_STAGED, FEW_REJECTED)
KEPT_OUT = (State.REFUSED, State.ARRIVED)
# The rule of a table that could not be read at all; the others of it were not evaluated then.
TABLE_READABLE = "table_readable"


def is_gone(source_id: str) -> End:
    """The end of what was wrong with a source that is not declared any more."""
    return End("unchecked", f"the source {source_id} is not declared any more")


def still_found(finding: Finding, loads: Iterable[Load]) -> bool:
    """Whether the loads that a stored verdict refused are still kept out; what blocks nothing always counts.

    A verdict stays as it is; a load that it refused may have been accepted by hand since.
    """
    days = set(finding.subject.load_dates)
    if finding.severity == "warning" or not days:
        return True
    return any(load.load_date in days and load.state in KEPT_OUT for load in loads)


def with_loads_still_refused(
    finding: Finding, before: Finding | None, judged: Collection[date], loads: Iterable[Load]
) -> Finding:
    """A finding with the load dates it was open for that were not judged now and are still kept out."""
    own = set(before.subject.load_dates) - set(judged) if before else set[date]()
    days = {load.load_date for load in loads if load.load_date in own and load.state in KEPT_OUT}
    if not days - set(finding.subject.load_dates):
        return finding
    subject = replace(finding.subject, load_dates=tuple(sorted(days | set(finding.subject.load_dates))))
    told = ", ".join(str(day) for day in sorted(days)[:SHOWN])
    more = f" and {len(days) - SHOWN} more" if len(days) > SHOWN else ""
    return replace(finding, subject=subject, text=f"{finding.text}\nstill refused from before: {told}{more}")


def fate_of_loads(gate: GateResult | None, loads: Collection[Load], finding: Finding) -> End | None:
    """Of a finding about loads of a source, by its latest verdict and all of its loads.

    A rule that other loads break no more has recovered, unless a load that broke it is still kept out and was
    not judged again.
    """
    days, judged = set(finding.subject.load_dates), _judged_dates(gate, finding.subject.rule)
    if finding.subject == Subject():
        # Of a program that did not note them: it may have been any.
        days = {load.load_date for load in loads if load.state is State.REFUSED}
    own = [load for load in loads if load.load_date in days]
    is_blocking = finding.severity == "critical" and bool(own)
    words = [load.reason for load in own if load.state is State.ACCEPTED and load.reason]
    states = {load.state for load in own}
    end: End | None
    if states == {State.RETIRED}:
        end = End("unchecked", "the load was retired")
    elif finding.key.endswith(UNREADABLE):
        end = RECOVERED
    elif any(load.state in KEPT_OUT and load.load_date not in judged for load in own):
        end = None
    elif is_blocking and words:
        end = End("accepted", words[0])
    elif finding.key.endswith(HELD_BACK) and State.REFUSED in states:
        end = End("ended", "the arrival gate refuses it now")
    elif finding.key.endswith(HELD_BACK) or (is_blocking and states == {State.ACCEPTED}):
        end = RECOVERED
    else:
        end = _judged(gate.results, finding, is_whole=False) if gate else None
    return end


def _judged_dates(gate: GateResult | None, rule: str | None) -> set[date]:
    """Load dates of which a verdict judged a rule: staging is tried with what the other rules let in."""
    if gate is None:
        return set()
    others = [found for found in gate.failures if rule in STAGED and found.name not in STAGED]
    return set(gate.load_dates) - {day for found in others for day in found.load_dates}


def fate_of_marts(
    gate: GateResult, brands: Callable[[], Collection[str] | None], finding: Finding
) -> End | None:
    """Of a finding about marts, by the latest verdict on them.

    `brands` are those in the build that it judged, None while they cannot be read: a rule that a brand broke
    holds too when the brand is gone.
    """
    if finding.key == NOTHING_CHECKED:
        return RECOVERED if gate.results else None
    end, named = _judged(gate.results, finding, is_whole=True), finding.subject.brands
    if end != RECOVERED or not named:
        return end
    known = brands()
    if known is None:
        return None
    missing = sorted(set(named) - set(known))
    return End("unchecked", f"no rows of {', '.join(missing)} are left") if missing else end


def _judged(results: Collection[ExpectationResult], finding: Finding, *, is_whole: bool) -> End | None:
    """Recovered if the rule was evaluated again; over if its table was and the rule is gone.

    `is_whole`: the verdict is on all tables there are, so that one without results is gone.
    """
    table, rule = finding.subject.table, finding.subject.rule
    if table is None:
        # Of a program that did not note it.
        return RECOVERED if finding.key in {f"{one.table}.{one.name}" for one in results} else None
    own = [one for one in results if one.table == table]
    is_readable = not any(one.name == TABLE_READABLE for one in own)
    if is_readable and own and (rule == TABLE_READABLE or any(one.name == rule for one in own)):
        return RECOVERED
    if rule in STAGED:
        return None
    # Where the whole database could not be read, its error is the only result.
    was_judged = any(one.status != "error" for one in (own if not is_whole else results))
    return End("unchecked", f"{table} has no rule {rule} any more") if is_readable and was_judged else None
