"""One person, called by a keyed hash: stages, and the evidence behind them."""

from __future__ import annotations

import re

HASH = re.compile("[0-9a-f]{32}")

PERSON = """
    select key_kind, key_count, first_seen_on, last_seen_on
    from dim_person
    where person_id = $person_id
"""
# One row per brand and stretch of days in one stage, rank 0 left out: what is, and the decay to come.
# `valid_from` to `valid_to` is half-open; NULL where it has no end.
HISTORY = """
    select
        history.brand_id, history.stage, history.stage_rank, history.valid_from,
        nullif(history.valid_to, date '9999-12-31') as valid_to, brands.horizon
    from fct_aipl_stage_history as history
    inner join dim_brand as brands on history.brand_id = brands.brand_id
    where history.preset = $preset and history.person_id = $person_id and history.stage_rank > 0
    order by history.brand_id, history.valid_from
"""
# One row per brand and rule with evidence that counts on the day. `expires_on` is NULL where nothing expires:
# a rule that is not on, or an open state.
EVIDENCE = """
    select
        brand_id, stage, rule_id, rule_stage, touch_kind, evidence_days, min_count, is_on, decides,
        first_evidence, last_evidence, nullif(expires_on, date '9999-12-31') as expires_on,
        coalesce(expires_on = date '9999-12-31', false) as is_open
    from aipl_explain($person_id, cast($day as date))
    where preset = $preset
    order by brand_id, decides desc, is_on desc, rule_id
"""


def is_hash(text: str) -> bool:
    """Whether a text can be what a release calls a person; a raw key never is."""
    return HASH.fullmatch(text) is not None
