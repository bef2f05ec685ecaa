"""Evidence from a UserBehavior dump: user, item, category, behaviour, unix seconds; no header, no prices."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from oracle.evidence import Evidence, PaidOrder, Touch

BRAND = "taobao"
CHINA = timezone(timedelta(hours=8))
TOUCH_KINDS = {"pv": "product_view", "fav": "favorite", "cart": "add_to_cart"}


def read(
    path: Path, load_date: date | None = None, person_prefix: str = "taobao_user_behavior:v:"
) -> tuple[Evidence, Counter[str]]:
    """Evidence of one dump, and how many rows were left out for which reason.

    Without a load date no row can be told to lie in the future. Days are China's. A buy is an order of
    unknown amount that is paid at that second.
    """
    evidence, dropped = Evidence(), Counter[str]()
    with path.open(newline="", encoding="utf-8") as lines:
        for row in csv.reader(lines):
            if len(row) != 5:
                dropped["fields"] += 1
                continue
            user, _, _, behaviour, seconds = row
            if not user or not seconds.isdecimal():
                dropped["value"] += 1
                continue
            day = datetime.fromtimestamp(int(seconds), UTC).astimezone(CHINA).date()
            person = f"{person_prefix}{user}"
            if load_date is not None and day > load_date + timedelta(days=1):
                dropped["future"] += 1
            elif behaviour in TOUCH_KINDS:
                evidence.touches.add(Touch(BRAND, person, TOUCH_KINDS[behaviour], day))
            elif behaviour == "buy":
                evidence.orders.append(PaidOrder(BRAND, person, day))
            else:
                dropped["behaviour"] += 1
    return evidence, dropped


def horizon(evidence: Evidence) -> date:
    """Day of the last event: what a dump without a declared end is complete for."""
    return max([t.day for t in evidence.touches] + [o.paid_day for o in evidence.orders])
