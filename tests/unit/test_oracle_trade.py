"""The oracle of traffic and trade, held against the examples of the definitions, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from oracle import conversion, region
from oracle.conversion import Deed
from oracle.grow import Side, leaves, letters
from oracle.paths import flow
from oracle.report_periods import Campaign, Period, comparisons, report_periods
from oracle.sales import Catalogue, Line, Order, Refund, backs, channel_of, sales, spread
from oracle.scorecard import Brand, Rated, scorecard
from oracle.visits import Event, acts, visit_table

MORNING = datetime(2024, 11, 4, 10, 0)
DAY = timedelta(days=1)


def at(minutes: float, *, days: int = 0) -> datetime:
    """That many minutes after ten on the first Monday, or on a later day."""
    return MORNING + timedelta(days=days, minutes=minutes)


TAKEN_OUT = (("5", "add_to_cart"), ("6", "remove_from_cart"))


def view(name: str, moment: datetime, **told: str | None) -> Event:
    kind = str(told.pop("kind", "product_view"))
    who = {"person": "x", "visitor": "x"} | told
    return Event(name, str(who.pop("brand", "b")), moment, kind, **who)


class TestVisits:
    def test_a_pause_of_more_than_half_an_hour_begins_another_visit(self) -> None:
        seen = acts([view("1", at(0)), view("2", at(30)), view("3", at(60.1))])
        assert [visit.views for visit in visit_table(seen)] == [2, 1]
        assert [act.dwell_seconds for act in seen] == [1800, None, None]
        assert [(act.previous_class, act.next_class) for act in seen] == [
            ("(entry)", "product"),
            ("product", "(exit)"),
            ("(entry)", "(exit)"),
        ]

    def test_a_session_lasts_until_midnight_and_a_dwell_half_an_hour(self) -> None:
        told = {"session": "s"}
        night = datetime(2024, 11, 4, 23, 59)
        seen = acts(
            [
                view("1", at(0), **told),
                view("2", night, **told),
                view("3", night + timedelta(minutes=2), **told),
            ]
        )
        assert [visit.views for visit in visit_table(seen)] == [2, 1]
        assert [act.dwell_seconds for act in seen] == [1800, None, None]

    def test_each_brand_has_the_sequence_of_its_own_views(self) -> None:
        seen = acts([view("1", at(0)), view("2", at(1), brand="c"), view("3", at(5), kind="home_view")])
        assert {(v.brand, v.views, v.entry_class, v.exit_class) for v in visit_table(seen)} == {
            ("b", 2, "product", "home"),
            ("c", 1, "product", "product"),
        }
        dwells = {act.event.event_id: act.dwell_seconds for act in seen}
        assert dwells == {"1": 60, "2": 240, "3": None}

    def test_a_visit_without_a_view_is_none_and_impressions_are_in_none(self) -> None:
        seen = acts(
            [
                *(view("1", at(0), kind="favorite"), view("2", at(40), kind="ad_impression")),
                *(view("3", at(50)), view("4", at(90), visitor=None)),
            ]
        )
        assert [act.event.event_id for act in seen if act.visit is None] == ["1", "2", "4"]
        assert len(visit_table(seen)) == 1

    def test_the_first_channel_is_the_visits_and_direct_where_channels_are_told(self) -> None:
        seen = acts([view("1", at(0)), view("2", at(1), channel="ads"), view("3", at(60))])
        assert [visit.channel for visit in visit_table(seen)] == ["ads", "direct"]
        assert [visit.channel for visit in visit_table(acts([view("1", at(0))]))] == ["(none)"]

    def test_what_is_not_in_the_cart_at_the_end_of_the_day_is_not_kept(self) -> None:
        seen = acts(
            [
                *(view("1", at(0), kind="add_to_cart"), view("2", at(1), kind="remove_from_cart")),
                *(view("3", at(2), kind="add_to_cart"), view("4", at(0, days=1), kind="remove_from_cart")),
                *(view(name, at(n), kind=kind, product="q") for n, (name, kind) in enumerate(TAKEN_OUT)),
            ]
        )
        assert {act.event.event_id for act in seen if act.is_kept} == {"1", "3"}


def bought(
    amount: str | None, lines: Sequence[tuple[str, str, str | None]], paid: datetime = MORNING, **told: object
) -> Order:
    """An order of `lines` (line, brand, amount)."""
    its = [Line(name, brand, None if part is None else Decimal(part), name) for name, brand, part in lines]
    whole = None if amount is None else Decimal(amount)
    fields = {"person": "x", "created_at": paid, "paid_at": paid, "currency": "CNY"} | told
    return Order("o", amount=whole, lines=its, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "lines", "expected"),
    [
        ("9.00", [("1", "b", "3.00"), ("2", "b", "6.00")], ["3.00", "6.00"]),
        # Three decimals stay as they are told, and what is told more or less is divided.
        ("0.105", [("1", "b", "0.100"), ("2", "b", "0.005")], ["0.100", "0.005"]),
        ("100.01", [("1", "b", "1"), ("2", "b", "1"), ("3", "b", "1")], ["33.34", "33.33", "33.34"]),
        ("12.00", [("1", "a", "4.00"), ("2", "b", "2.00")], ["8.00", "4.00"]),
        # A line of an unknown amount leaves all money to no line.
        ("9.00", [("1", "b", None), ("2", "b", "6.00")], ["0", "0", "9.00"]),
        ("9.00", [("1", "a", None), ("2", "b", "6.00")], [None, None, "9.00"]),
        (None, [("1", "b", "3.00")], [None]),
        ("9.00", [], ["9.00"]),
        # A gift has no money, and money for gifts alone has no brand.
        ("9.00", [("1", "a", "0"), ("2", "b", "6.00")], ["9.00"]),
        ("9.00", [("1", "a", "0")], ["9.00"]),
    ],
)
def test_money_of_lines(
    amount: str | None, lines: list[tuple[str, str, str | None]], expected: list[str | None]
) -> None:
    order = bought(amount, lines)
    assert [part.amount for part in spread(order.amount, order, "home")] == [
        None if part is None else Decimal(part) for part in expected
    ]


def test_a_refund_goes_to_the_line_that_it_names_or_over_its_order() -> None:
    order = bought("9.00", [("1", "b", "3.00"), ("2", "b", "6.00")])
    for line, expected in (
        ("2", [("2", Decimal(5))]),
        (None, [("1", Decimal("1.67")), ("2", Decimal("3.33"))]),
    ):
        refund = Refund("r", order, line, date(2024, 11, 5), Decimal(5), None)
        assert [(back.product, back.amount) for back in backs(refund, "home", [])] == expected
    unknown = Refund("r", None, None, date(2024, 11, 5), Decimal(5), "CNY")
    assert [(back.brand, back.product) for back in backs(unknown, "home", [])] == [("home", "(documents)")]


def test_the_channel_of_a_sale_is_that_of_the_last_visit_before_it_that_day() -> None:
    visits = visit_table(acts([view("1", at(-120), channel="ads"), view("2", at(-60)), view("3", at(60))]))
    order = bought("9.00", [("1", "b", "9.00")])
    assert channel_of(order, "b", visits) == "direct"
    assert channel_of(replace(order, created_at=at(-90)), "b", visits) == "ads"
    assert channel_of(replace(order, created_at=at(0, days=1)), "b", visits) == "(none)"
    assert channel_of(replace(order, channel="app"), "b", visits) == "app"


def test_a_climb_ends_at_the_top_a_missing_parent_or_where_it_has_been() -> None:
    parents = {"a": "b", "b": "c", "c": None, "d": "gone", "e": "f", "f": "e"}
    catalogue = Catalogue({name: name for name in "abcdefg"}, parents=parents)
    assert [catalogue.department(name) for name in "abcdefg"] == ["c", "c", "c", "d", "f", "e", "g"]
    assert catalogue.department("unknown") == "(none)"


class TestPeriods:
    def test_baseline_and_after_have_the_same_weekdays_and_overlap_nothing(self) -> None:
        sale = Campaign("c", date(2024, 10, 24), date(2024, 11, 11))
        assert sale.baseline == (date(2024, 10, 3), date(2024, 10, 21))
        assert sale.after == (date(2024, 11, 14), date(2024, 12, 2))
        assert replace(sale, warm_up=date(2024, 10, 20)).baseline == (date(2024, 9, 26), date(2024, 10, 14))
        declared = replace(sale, baseline_from=date(2024, 9, 1), baseline_to=date(2024, 9, 5))
        assert declared.baseline == (date(2024, 9, 1), date(2024, 9, 5))

    def test_periods_are_complete_or_absent(self) -> None:
        found = report_periods(date(2024, 9, 1), date(2024, 12, 31))
        counts = {kind: sum(p.period_type == kind for p in found) for kind in {p.period_type for p in found}}
        assert counts == {"day": 122, "week": 17, "month": 4, "quarter": 1, "four_weeks": 14}
        assert "four_weeks:2024-09-02" in {p.period_id for p in found}

    def test_a_base_that_another_campaign_touches_is_marked(self) -> None:
        sales_days = Campaign("c", date(2024, 11, 9), date(2024, 11, 12))
        other = Campaign("d", date(2024, 11, 1), date(2024, 11, 2))
        found = report_periods(date(2024, 9, 1), date(2024, 12, 31), [sales_days, other])
        marked = {p.period_id: p.is_contaminated for p in found if p.period_type == "baseline"}
        assert marked == {"baseline:c": True, "baseline:d": False}

    def test_comparisons_need_both_periods(self) -> None:
        sale = Campaign("c", date(2024, 11, 9), date(2024, 11, 12))
        pairs = {
            (kind, period.period_id, base.period_id)
            for kind, period, base in comparisons(
                report_periods(date(2023, 11, 1), date(2024, 12, 31), [sale])
            )
        }
        assert ("previous", "month:2024-03-01", "month:2024-02-01") in pairs
        assert ("year_ago", "month:2024-12-01", "month:2023-12-01") in pairs
        assert ("year_ago", "week:2024-11-11", "week:2023-11-13") in pairs
        assert ("week_ago", "day:2024-03-04", "day:2024-02-26") in pairs
        assert {pair for pair in pairs if "c" in pair[1].split(":")} == {
            ("baseline", "campaign:c", "baseline:c"),
            ("after", "after:c", "baseline:c"),
        }
        assert not any(period.startswith("year:") for _, period, _ in pairs)


@pytest.mark.parametrize(
    ("persons", "few"),
    [
        ({"SP": 40, "RJ": 12, "AC": 2}, {"AC", "RJ"}),
        ({"SP": 40, "RJ": 12, "AC": 2, "AM": 4}, {"AC", "AM"}),
        ({"SP": 40, "RJ": 12, "AC": 1, "AM": 2}, {"AC", "AM", "RJ"}),
        ({"SP": 40, "RJ": 12}, set()),
        ({"SP": 40, "RJ": 0}, {"RJ", "SP"}),
        ({"AC": 2}, {"AC"}),
    ],
)
def test_regions_of_few_persons_are_told_together(persons: dict[str, int], few: set[str]) -> None:
    assert (
        region.hidden({name: [f"{name}{n}" for n in range(count)] for name, count in persons.items()}) == few
    )


def test_an_unknown_is_determined_where_the_equations_leave_nothing_else() -> None:
    assert region.determined([[1, 1, 0], [0, 1, 1]]) == set()
    assert region.determined([[1, 1, 0], [0, 1, 1], [1, 0, 1]]) == {0, 1, 2}
    assert region.determined([[1, 1, 1], [0, 1, 1]]) == {0}


class TestGrow:
    def test_letters_of_the_closed_form(self) -> None:
        found = letters(Side(10, 20, Decimal(1000)), Side(12, 30, Decimal(1800)))
        assert found == pytest.approx((248.3333, 303.3333, 248.3333), abs=1e-4)
        assert letters(Side(), Side(4, 5, Decimal(700))) == pytest.approx((700, 0, 0))
        assert letters(Side(4, 5, Decimal(700)), Side()) == pytest.approx((-700, 0, 0))
        assert letters(Side(), Side()) == (0, 0, 0)

    def test_letters_and_other_change_are_the_change(self) -> None:
        before = {"a": Side(3, 4, Decimal(90), Decimal(5)), "b": Side(1, 1, Decimal(7))}
        after = {"a": Side(2, 5, Decimal(120), Decimal(1)), "c": Side(2, 2, Decimal(11))}
        found = leaves(before, after)
        assert sum(
            one.gain + one.retain + one.boost + one.other_change for one in found.values()
        ) == pytest.approx(30)
        assert [name for name, leaf in found.items() if leaf.is_entered] == ["c"]
        assert [name for name, leaf in found.items() if leaf.is_left] == ["b"]


def test_moves_between_pages() -> None:
    seen = acts([view("1", at(0), kind="home_view"), view("2", at(1)), view("3", at(2)), view("4", at(60))])
    found = flow(seen, [Period("day", MORNING.date(), MORNING.date())])
    assert {key[1:]: value[:2] for key, value in found.items()} == {
        ("(entry)", "home"): (1, 1),
        ("home", "product"): (1, 1),
        ("product", "product"): (1, 1),
        ("product", "(exit)"): (2, 2),
        ("(entry)", "product"): (1, 1),
    }
    assert {visitors for *_, visitors in found.values()} == {None}


class TestConversion:
    @staticmethod
    def of(rule: str, *deeds: Deed, horizon: int = 60) -> dict[int, tuple[int, int, int]]:
        first = MORNING.date()
        found = conversion.conversion(deeds, first, first + horizon * DAY)
        return {
            (day - first).days: (own.opened, own.converted, own.days_sum)
            for (its, day), own in found.items()
            if its == rule
        }

    def test_a_cart_is_paid_within_seven_days_and_not_before(self) -> None:
        cart = Deed("add_to_cart", at(0), "x", "p")
        again = Deed("add_to_cart", at(5), "x", "p")
        before, late = Deed("paid_order", at(-1), "x", "p"), Deed("paid_order", at(0, days=7), "x", "p")
        assert self.of("cart_to_pay_7d", cart, again, before, late) == {0: (1, 0, 0)}
        last = Deed("paid_order", at(900, days=6) - timedelta(hours=2), "x", "p")
        assert self.of("cart_to_pay_7d", cart, last) == {0: (1, 1, 6)}
        assert self.of("cart_to_pay_7d", cart, replace(last, product="q")) == {0: (1, 0, 0)}
        assert self.of("cart_to_pay_7d_person", cart, replace(last, product="q")) == {0: (1, 1, 6)}

    def test_only_closed_days_are_told(self) -> None:
        cart = Deed("add_to_cart", at(0), "x", "p")
        assert self.of("cart_to_pay_7d", cart, horizon=5) == {}
        assert self.of("cart_to_pay_7d", cart, horizon=6) == {0: (1, 0, 0)}

    def test_a_repurchase_is_on_a_later_day_and_a_sample_another_document(self) -> None:
        first, same = Deed("paid_order", at(0), "x", order="1"), Deed("paid_order", at(9), "x", order="2")
        assert self.of("repurchase_30d", first, same) == {0: (1, 0, 0)}
        later = Deed("paid_order", at(-60, days=29), "x", order="3")
        assert self.of("repurchase_30d", first, same, later)[0] == (1, 1, 29)
        sample = Deed("free_order", at(0), "x", order="1")
        assert self.of("sample_to_buy_30d", sample, replace(first, order="1")) == {0: (1, 0, 0)}
        assert self.of("sample_to_buy_30d", sample, replace(first, order="2")) == {0: (1, 1, 0)}

    def test_an_order_is_paid_or_not(self) -> None:
        placed = Deed("order", at(0), None, order="1")
        assert self.of("order_to_pay_3d", placed, Deed("paid_order", at(0, days=2), order="1")) == {
            0: (1, 1, 2)
        }
        assert self.of("order_to_pay_3d", placed, Deed("paid_order", at(0), order="2")) == {0: (1, 0, 0)}


def a_brand() -> Brand:
    """A brand of two days: a buyer who looked, one who did not, and one who only looked."""
    events = [
        *(view("1", at(0), person="x", visitor="x"), view("2", at(1), person="x", visitor="x")),
        *(view("3", at(0), person="y", visitor="y"), view("4", at(0, days=1), person="y", visitor="y")),
    ]
    orders = [
        bought("30.00", [("1", "b", "10.00"), ("2", "b", "20.00")], person="x"),
        replace(bought("8.00", [("1", "b", "8.00")], at(0, days=1), person="z"), order_id="o2"),
        replace(bought("5.00", [("1", "b", "5.00")], at(0, days=1), person=None), order_id="o3"),
        replace(bought("9.00", [("1", "b", "9.00")], at(0, days=-400), person="z"), order_id="o4"),
        replace(
            bought("7.00", [("1", "b", "7.00")], at(0, days=1), person="x", currency="USD"), order_id="o5"
        ),
    ]
    refund = Refund("r", orders[0], None, (MORNING + DAY).date(), Decimal(3), None)
    return Brand(
        *("CNY", MORNING.date(), date(2024, 11, 30)),
        acts=acts(events),
        sales=[sale for order in orders for sale in sales(order, "home", [])],
        backs=backs(refund, "home", []),
        reviews=[Rated((MORNING + DAY).date(), "x", 5), Rated((MORNING + DAY).date(), "x", 1)],
        catalogue=Catalogue({"1": "lamps"}, listed={"1": date(2024, 10, 1)}),
        products=["1"],
    )


def test_the_scorecard_of_two_days() -> None:
    brand = a_brand()
    rows = {
        (period.period_id, name, member): row
        for period, name, member, _, row in scorecard(brand, report_periods(brand.first_day, brand.horizon))
    }
    one, two, week = (
        rows[f"{kind}:2024-11-0{n}", "all", ""] for kind, n in (("day", 4), ("day", 5), ("week", 4))
    )
    assert (one["visitors"], two["visitors"], week["visitors"], week["visitor_days"]) == (2, 1, 2, 3)
    assert (one["one_view_visitor_days"], week["one_view_visitor_days"], week["one_view_visits"]) == (1, 2, 2)
    assert (two["new_visitors"], week["new_visitors"]) == (0, 2)
    assert (week["orders"], week["buyers"], week["unattributed_orders"]) == (4, 2, 1)
    assert (week["new_buyers"], week["first_ever_buyers"], week["repeat_buyers"]) == (2, 1, 1)
    assert (two["new_buyers"], two["repeat_buyers"], week["payers_without_visit"]) == (1, 0, 1)
    assert (week["paid_amount"], week["attributed_amount"], week["other_currency_orders"]) == (43, 38, 1)
    assert (one["refunded_amount"], one["refunded_as_known"], two["refunded_amount"]) == (0, 3, 3)
    assert (two["reviews"], two["reviewers"], two["good_reviewers"], two["bad_reviewers"]) == (2, 1, 1, 1)
    assert rows["week:2024-11-04", "category", "lamps"]["paid_amount"] == 23
    assert rows["week:2024-11-04", "category", "(none)"]["paid_amount"] == 20
    classes = {
        member: row
        for (kind, name, member), row in rows.items()
        if kind == "week:2024-11-04" and name == "buyer_class"
    }
    assert {member: (row["orders"], row["visitors"]) for member, row in classes.items()} == {
        "new": (3, 1),
        "(none)": (1, 1),
    }
