"""An incident ends as what it is: recovered only if its subject was judged again and found right."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from unit.test_due_loads import SCHEDULE, TODAY, YESTERDAY, at, come, source
from unit.test_links import anchors
from unit.test_monitoring import result, version
from verdicts import verdict

from expectations.results import GateResult
from orchestration.alerts.findings import RECOVERED, End, Finding, Subject
from orchestration.arrival.file_versions import Load, State
from orchestration.arrival.pending import PendingLoads
from orchestration.core.settings import PROJECT_ROOT
from orchestration.monitoring.fates import (
    fate_of_loads,
    fate_of_marts,
    still_found,
    with_loads_still_refused,
)
from orchestration.monitoring.findings import (
    HELD_BACK,
    NOTHING_CHECKED,
    UNREADABLE,
    gate_findings,
    load_findings,
    stopped_finding,
)
from orchestration.monitoring.runs import rollback_finding
from orchestration.monitoring.watch import (
    BEGINS_LATE,
    EMPTY,
    LATE,
    UNREACHABLE,
    fate_of_arrival,
    fate_of_freshness,
    freshness_findings,
    lateness_findings,
)
from orchestration.publish.rollback import Rollback

THIRD, FOURTH = date(2024, 1, 3), date(2024, 1, 4)
OPEN = None


def wrong(key: str = "east.orders.rule", severity: str = "critical", **subject: object) -> Finding:
    own = {"source": "east", "table": "east.orders", "rule": "rule", "load_dates": (THIRD,)}
    named = Subject(**{**own, **subject})  # type: ignore[arg-type]
    return Finding(key, "gate_failed", severity, "trade", "", "", subject=named)  # type: ignore[arg-type]


def load(state: State, day: date = THIRD, reason: str | None = None) -> Load:
    return Load("east", day, 1, 3, 0, 0, 0, state, reason, False, False)


def gate(*days: date, table: str = "east.orders", **rules: str) -> GateResult:
    judged = [replace(result(name, status), table=table) for name, status in rules.items()]  # type: ignore[arg-type]
    return replace(verdict("east.orders"), results=tuple(judged), load_dates=days)


@pytest.mark.parametrize(
    ("judged", "loads", "finding", "end"),
    [
        (gate(THIRD, rule="passed"), [load(State.ACCEPTED)], wrong(), "recovered"),
        (gate(FOURTH, rule="passed"), [load(State.REFUSED)], wrong(), OPEN),
        (gate(FOURTH, rule="passed"), [load(State.ARRIVED)], wrong(), OPEN),
        (gate(THIRD, rule="passed"), [load(State.REFUSED)], wrong(), "recovered"),
        (gate(THIRD, rule="failed"), [load(State.ACCEPTED, reason="by ada: fine")], wrong(), "accepted"),
        (gate(FOURTH, other="passed"), [load(State.RETIRED)], wrong(), "unchecked"),
        (None, [load(State.ACCEPTED)], wrong(), "recovered"),
        (None, [], wrong(), OPEN),
        # A warning lets its load in: the rule has to be asked again.
        (None, [load(State.ACCEPTED)], wrong(severity="warning"), OPEN),
        (gate(FOURTH, rule="passed"), [load(State.ACCEPTED)], wrong(severity="warning"), "recovered"),
        (gate(FOURTH, other="passed"), [load(State.ACCEPTED)], wrong(severity="warning"), "unchecked"),
        (
            gate(FOURTH, table="east.lines", rule="passed"),
            [load(State.ACCEPTED)],
            wrong(severity="warning"),
            OPEN,
        ),
        (gate(FOURTH, table_readable="error"), [], wrong(load_dates=()), OPEN),
        (gate(FOURTH, rule="passed"), [], wrong(rule="table_readable", load_dates=()), "recovered"),
        (None, [load(State.ACCEPTED)], wrong(f"east.orders{UNREADABLE}"), "recovered"),
        (None, [load(State.ARRIVED)], wrong(f"east{HELD_BACK}"), OPEN),
        (None, [load(State.ACCEPTED)], wrong(f"east{HELD_BACK}"), "recovered"),
        (None, [load(State.ACCEPTED, reason="by ada: fine")], wrong(f"east{HELD_BACK}"), "accepted"),
        (gate(THIRD, rule="failed"), [load(State.REFUSED)], wrong(f"east{HELD_BACK}"), "ended"),
    ],
)
def test_of_a_load(judged: GateResult | None, loads: list[Load], finding: Finding, end: str | None) -> None:
    found = fate_of_loads(judged, loads, finding)
    assert (found and found.word) == end


def test_staging_is_judged_only_of_what_the_other_rules_let_in() -> None:
    staged = wrong("east.orders.few_rows_rejected", rule="few_rows_rejected")
    refused = replace(result("rule", "failed"), table="east.orders", load_dates=(THIRD,))
    passed = replace(result("few_rows_rejected", "passed"), table="east.orders")
    both = [load(State.REFUSED), load(State.ACCEPTED, FOURTH)]
    judged = replace(gate(THIRD, FOURTH), results=(refused, passed))
    assert fate_of_loads(judged, both, staged) is OPEN, "the fourth was staged, not the third"
    alone = replace(gate(THIRD), results=(refused,))
    assert fate_of_loads(alone, [load(State.REFUSED)], staged) is OPEN, "nothing was staged"
    assert fate_of_loads(replace(judged, results=(passed,)), both, staged) == RECOVERED
    warned = replace(refused, severity="warning")
    assert fate_of_loads(replace(judged, results=(warned, passed)), both, staged) == RECOVERED


def test_an_incident_of_an_old_program_stays_while_any_load_is_refused() -> None:
    old = replace(wrong(), subject=Subject())
    judged = gate(FOURTH, rule="passed")
    assert fate_of_loads(judged, [load(State.REFUSED), load(State.ACCEPTED, FOURTH)], old) is OPEN
    assert fate_of_loads(judged, [load(State.ACCEPTED)], old) == RECOVERED


def test_a_load_that_is_refused_from_before_is_not_forgotten() -> None:
    loads = [load(State.REFUSED), load(State.REFUSED, FOURTH)]
    now = wrong(load_dates=(FOURTH,))
    both = with_loads_still_refused(now, wrong(), [FOURTH], loads)
    assert both.subject.load_dates == (THIRD, FOURTH) and "still refused from before: 2024-01-03" in both.text
    assert with_loads_still_refused(now, None, [FOURTH], loads) == now
    assert with_loads_still_refused(now, wrong(), [THIRD, FOURTH], loads) == now
    # Once the fourth is mended, the third keeps the incident open.
    assert fate_of_loads(gate(FOURTH, rule="passed"), [load(State.REFUSED)], both) is OPEN


def test_a_verdict_counts_while_the_loads_that_it_refused_are_kept_out() -> None:
    assert still_found(wrong(), [load(State.REFUSED)]) and still_found(wrong(), [load(State.ARRIVED)])
    assert not still_found(wrong(), [load(State.ACCEPTED, reason="by ada: fine")])
    assert still_found(wrong(severity="warning"), [load(State.ACCEPTED)])


def mart(**subject: object) -> Finding:
    return wrong("fct_fast.rule", source=None, table="fct_fast", load_dates=(), **subject)


def of_marts(judged: GateResult, finding: Finding, *brands: str) -> End | None:
    return fate_of_marts(judged, lambda: set(brands), finding)


def test_of_a_mart() -> None:
    judged = gate(table="fct_fast", rule="passed")
    assert of_marts(judged, mart()) == RECOVERED
    assert of_marts(judged, mart(brands=("lumen",)), "lumen", "other") == RECOVERED
    gone = End("unchecked", "no rows of lumen are left")
    assert of_marts(judged, mart(brands=("lumen",)), "other") == gone
    assert fate_of_marts(judged, lambda: None, mart(brands=("lumen",))) is OPEN
    other = of_marts(gate(table="fct_fast", other="passed"), mart())
    assert other == End("unchecked", "fct_fast has no rule rule any more")
    assert of_marts(gate(table="dim_brand", rule="passed"), mart()) == other
    # Nothing was judged where the mart, or the database, could not be read.
    assert of_marts(gate(table="fct_fast", table_readable="error"), mart()) is OPEN
    assert of_marts(gate(table="warehouse.duckdb", table_readable="error"), mart()) is OPEN
    nothing = replace(mart(), key=NOTHING_CHECKED)
    assert of_marts(judged, nothing) == RECOVERED and of_marts(gate(), nothing) is OPEN


def test_of_the_arrival_of_a_source() -> None:
    late, first = wrong(LATE, load_dates=(YESTERDAY,)), wrong(BEGINS_LATE, load_dates=(date(2026, 3, 2),))
    came = PendingLoads(delivered={"east": come()})
    hidden = PendingLoads(unreachable={"east": "no route"})
    assert fate_of_arrival("east", came, [], late) == fate_of_arrival("east", came, [], first) == RECOVERED
    assert fate_of_arrival("east", hidden, [], late) is fate_of_arrival("east", hidden, [], first) is OPEN
    assert fate_of_arrival("east", came, [], wrong(UNREACHABLE)) == RECOVERED
    lacking = PendingLoads(delivered={"east": come() - {YESTERDAY}})
    assert fate_of_arrival("east", lacking, [], late).word == "unchecked"  # type: ignore[union-attr]
    assert fate_of_arrival("east", came, [], wrong(EMPTY)).word == "unchecked"  # type: ignore[union-attr]


def test_of_freshness() -> None:
    stale = wrong("east")

    def fate(**entry: object) -> End | None:
        return fate_of_freshness({"east": source("east", **entry)}, SCHEDULE, None, at("12:00"), stale)

    assert fate() == RECOVERED
    assert fate(feed="static", starts_on=None).word == "unchecked"  # type: ignore[union-attr]
    gone = fate_of_freshness({}, SCHEDULE, None, at("12:00"), stale)
    assert gone == End("unchecked", "the source east is not declared any more")


def test_days_before_the_first_dump_are_told_as_what_they_are() -> None:
    came = {day for day in come(TODAY) if day >= date(2026, 3, 6)}
    (begins,) = lateness_findings(source(), SCHEDULE, PendingLoads(delivered={"east": came}), [], at("12:00"))
    assert begins.title == (
        "east has no dump for 2026-03-02, 2026-03-03, 2026-03-04, 2026-03-05,"
        " the days before the first one delivered"
    )
    assert "write `starts_on: 2026-03-05`" in begins.cure and "complete through no day" in begins.effect
    assert "the first one that came is of 2026-03-06" in begins.text
    # With that the hole is gone, and what comes too late is late.
    pending = PendingLoads(delivered={"east": came - {TODAY}})
    mended = source(starts_on="2026-03-05")
    (late,) = lateness_findings(mended, SCHEDULE, pending, [], at("12:00"))
    assert late.title == "east is late: 2026-03-10"
    keys = {one.key for one in lateness_findings(source(), SCHEDULE, pending, [], at("12:00"))}
    assert keys == {LATE, BEGINS_LATE}


def test_a_finding_says_what_it_is_about_and_what_to_do() -> None:
    failed = replace(
        result("kind_known", "failed", load_dates=(THIRD,), unexpected_count=1, cure="Add it; LOAD_DATE."),
        table="east.orders",
        found={THIRD: "123 of 2,400 rows, such as add2cart (120), favourite (3)"},
    )
    arrival = replace(verdict("east.orders"), results=(failed,), load_dates=(THIRD,))
    (found,) = gate_findings(arrival, Path("p.html"), "Readers have release r1.")
    assert found.title == (
        "east.orders: kind_known: 2024-01-03: 123 of 2,400 rows, such as add2cart (120), favourite (3)"
    )
    assert found.effect == (
        "The load of 2024-01-03 is refused, and later loads of east wait; other sources go on."
        " Readers have release r1."
    )
    assert found.cure == (
        "Add it; 2024-01-03. Then run `aipl run`."
        " `aipl accept east 2024-01-03 --reason TEXT` lets the load in as it is."
    )
    assert found.subject == Subject("east", ("east",), "east.orders", "kind_known", (THIRD,), 1)
    named = result("rule", "failed", named={"source_id": ("east", "west")}, examples=({"brand_id": "lumen"},))
    (mart,) = gate_findings(replace(verdict("fct_fast"), results=(named,)), Path("p.html"))
    assert "`aipl hold east` and `aipl hold west`, then `aipl run`" in mart.cure and mart.subject.brands == (
        "lumen",
    )
    assert mart.title == "fct_fast: rule: 1 of 2 rows, such as brand_id=lumen"


def test_every_runbook_that_a_finding_names_is_there() -> None:
    pending = PendingLoads(delivered={"east": come() - {YESTERDAY, date(2026, 3, 2)}})
    hidden = PendingLoads(unreachable={"east": "no route"})
    held = [version(THIRD, 3, state=State.REFUSED), version(FOURTH, None, version_id=2, state=State.REFUSED)]
    found = [
        *lateness_findings(source(), SCHEDULE, pending, [version(TODAY, 0)], at("12:00")),
        *lateness_findings(source(), SCHEDULE, hidden, [], at("12:00")),
        *freshness_findings({"east": source()}, SCHEDULE, None, at("12:00")),
        *load_findings([replace(held[0], reason="held back: by ada"), held[1]], "trade"),
        *(stopped_finding("warehouse", "x", None, exit_code=code) for code in (1, 2, 3)),
        rollback_finding(Rollback("2026-03-10", "r2", "r1", {"r2": "b"})),
    ]
    assert len({one.key for one in found}) == 9
    for one in found:
        page, _, anchor = (one.runbook or "").partition("#")
        assert not anchor or anchor in anchors(PROJECT_ROOT / page), one.runbook
        assert (PROJECT_ROOT / page).exists() and one.cure
