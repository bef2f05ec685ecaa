"""First staging of a new source: SQL by entity and the YAML beside it, with its guesses marked."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from orchestration.onboarding.columns import Column, Kind
from orchestration.onboarding.entry import brand_words
from orchestration.onboarding.expressions import argument, identifier, jinja, moment, plain, sql
from orchestration.onboarding.survey import FoundTable, Items, Survey

WIDTH = 106


def staging_files(source_id: str, survey: Survey) -> dict[str, str]:
    """Content of the files of the staging folder, by name."""
    files = {f"_{source_id}__sources.yml": _sources_yaml(source_id, survey)}
    models: dict[str, str] = {}
    for table in survey.tables:
        for entity in table.meant.entities:
            files[f"stg_{source_id}__{entity}.sql"] = _Model(source_id, table, survey).text(entity)
            models[entity] = table.name
    if models:
        files[f"_{source_id}__models.yml"] = _models_yaml(source_id, models)
    return files


def _sources_yaml(source_id: str, survey: Survey) -> str:
    lines = [
        "sources:",
        f"  - name: {source_id}",
        f"    description: Accepted dumps of {source_id}, every column as delivered.",
        "    config:",
        "      meta:",
        "        external_location: >-",
        "          read_parquet('{{ env_var('AIPL_HOME', '') }}/raw/"
        + source_id
        + "/{identifier}/*/*.parquet',",
        "          hive_partitioning = false)",
        "        dagster:",
        f"          asset_key: [raw, {source_id}]",
        "    tables:",
    ]
    for table in survey.tables:
        lines += [f"      - name: {table.name}", "        description: One row per record of the dumps."]
    return "\n".join(lines) + "\n"


def _models_yaml(source_id: str, models: Mapping[str, str]) -> str:
    lines = ["models:"]
    for entity, table in models.items():
        lines += [
            f"  - name: stg_{source_id}__{entity}",
            f"    description: One row per record of `{table}` that tells of {entity.replace('_', ' ')}.",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


class _Select:
    """Lines of a select list: each an expression with its name, and above it what is guessed about it."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str]] = []

    def add(self, name: str, expression: str, guess: str = "") -> None:
        is_itself = expression.strip('"') == name and '"' not in expression
        self.items.append((guess, expression if is_itself else f"{expression} as {name}"))

    def lines(self, last: str) -> Iterator[str]:
        for guess, text in self.items:
            if guess:
                yield from comment(f"guess: {guess}", 8)
            yield textwrap.indent(f"{text},", " " * 8)
        yield last


def comment(text: str, indent: int) -> Iterator[str]:
    """A text as SQL comments."""
    lead = " " * indent + "-- "
    return iter(
        textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)
    )


class _Model:
    """Staging models of one table."""

    def __init__(self, source_id: str, table: FoundTable, survey: Survey) -> None:
        self.source_id = source_id
        self.table = table
        self.meant = table.meant
        self.survey = survey
        self.is_grouped = False

    def text(self, entity: str) -> str:
        """The model of an entity."""
        self.is_grouped = entity == "orders" and self.table.repeats == "lines"
        make: dict[str, Callable[[], str]] = {
            "events": self._events,
            "orders": self._orders,
            "order_lines": self._order_lines,
            "refunds": self._refunds,
            "reviews": self._reviews,
            "memberships": self._memberships,
            "products": self._products,
        }
        return make[entity]()

    # The parts that models share.

    def _column(self, meaning: str, aggregate: str = "max") -> str | None:
        column = self.meant[meaning]
        if column is None:
            return None
        return self._over(plain(column), aggregate)

    def _over(self, expression: str, aggregate: str) -> str:
        return f"{aggregate}({expression})" if self.is_grouped else expression

    def _time(self, meaning: str, aggregate: str = "max") -> str | None:
        column = self.meant[meaning]
        return None if column is None else self._over(moment(column, self.source_id), aggregate)

    def _day_guess(self, meaning: str) -> str:
        column = self.meant[meaning]
        if column is None or not column.other_format:
            return ""
        return f"{column.samples[0]} may as well be {column.other_format}."

    def _number(self, meaning: str, aggregate: str = "sum") -> str | None:
        column = self.meant[meaning]
        return None if column is None else self._over(self._decimal(column), aggregate)

    def _decimal(self, column: Column) -> str:
        """Jinja of the number of a column; a comma that the entry cannot declare is read here."""
        value = argument(column)
        if column.kind is Kind.COMMA_NUMBER and not self.table.decimal_mark:
            value = f"plain_number({value}, ',')"
        return f"{{{{ safe_cast({value}, 'decimal(18, 4)') }}}}"

    def _persons(self, select: _Select) -> None:
        visitor, member = self._column("visitor"), self._column("member")
        if visitor:
            select.add("visitor_id", visitor)
        if member:
            guess = "the column of the customer is the member; a device or cookie would be the visitor."
            select.add("member_id", member, guess)

    def _brand(self, select: _Select) -> None:
        brand = self._column("brand")
        if brand:
            select.add("brand_id", "{{ brand_or_unbranded(" + jinja(brand) + f", '{self.source_id}') }}}}")
            return
        several = bool(brand_words(self.survey.tables))
        guess = "its rows name no brand, those of other tables do." if several else ""
        name = f"{self.source_id}_unbranded" if several else self.source_id
        select.add("brand_id", sql(name), guess)

    def _currency(self, select: _Select) -> None:
        setting = f"'{{{{ source_setting('{self.source_id}', 'currency') or 'XXX' }}}}'"
        select.add("currency", self._column("currency") or setting)

    def _row_number(self) -> str:
        return "source._file || '-' || source._row"

    def _key(self, select: _Select, name: str, meaning: str) -> None:
        column = self._column(meaning)
        if column:
            select.add(name, column)
        else:
            guess = "the rows have no id: a row that comes again in another file counts twice."
            select.add(name, self._row_number(), guess)

    def _where(self, *, purchases: bool) -> list[str]:
        kind, words = self.meant["kind"], self.meant.purchases
        if kind is None or not words:
            order = self.meant["order"]
            is_inside = order is not None and order.within and "events" in self.meant.entities
            return (
                [f"    where {identifier(order.within)} is not null"]
                if order and is_inside and purchases
                else []
            )
        column, listed = identifier(kind.name), ", ".join(map(sql, words))
        is_left_out = f"coalesce({column} not in ({listed}), true)"
        condition = f"{column} in ({listed})" if purchases else is_left_out
        return ["    -- guess: these words are purchases, whose rows are orders.", f"    where {condition}"]

    def _source(self, where: Sequence[str] = ()) -> list[str]:
        return [
            "with source as (",
            f"    select * from {{{{ source('{self.source_id}', '{self.table.name}') }}}}",
            *where,
            ")",
        ]

    def _shaped(self, select: _Select, relation: str = "source", origin: str = "'source'") -> list[str]:
        return [
            "shaped as (",
            "    select",
            *select.lines(f"        {{{{ row_origin({origin}) }}}}"),
            f"    from {relation}",
            ")",
        ]

    def _rejecting(
        self, conditions: Iterable[tuple[str, str, str]], relation: str, more: Sequence[str] = ()
    ) -> list[str]:
        lines = ["select", "    *,", *more, "    {{ reject_reason(["]
        lines += [
            f"        ({condition}, {jinja(reason)}, '{column}')," for condition, reason, column in conditions
        ]
        return [*lines, "    ]) }} as reject_reason", f"from {relation}"]

    def _day_of(self, time: str, name: str, *, by_brand: bool = True) -> str:
        brand = ", 'brand_id'" if by_brand and self.meant["brand"] else ""
        return f"    {{{{ business_date('{time}', '{self.source_id}'{brand}) }}}} as {name},"

    # The models.

    def _events(self) -> str:
        select = _Select()
        self._key(select, "event_id", "event")
        self._brand(select)
        self._persons(select)
        time = self._time("created_at") or self._time("updated_at")
        select.add("event_at", time or "cast(null as timestamp)", self._day_guess("created_at"))
        self._touch_kind(select)
        self._circumstances(select, user_agent="user_agent", product="product_id")
        unknown = ("'not ' ~ touch_kind_is_known('touch_kind')", "unknown event kind", "touch_kind")
        return self._dated_document(
            select,
            "event_at",
            "event_date",
            "event_id",
            source=self._source(self._where(purchases=False)),
            more=[unknown],
        )

    def _circumstances(self, select: _Select, **more: str) -> None:
        """Where somebody came from, and in which visit, on what and where it was done."""
        names = {"campaign": "campaign_id", "channel": "channel", "session": "session_id", **more}
        for meaning, name in {**names, "device": "device", "region": "region"}.items():
            if column := self._column(meaning):
                select.add(name, column)

    def _touch_kind(self, select: _Select) -> None:
        kind = self.meant["kind"]
        if kind is None:
            word = "product_view" if self.meant["product"] else "page_view"
            select.add("touch_kind", sql(word), "no column says what was done.")
            return
        column = identifier(kind.name)
        branches = [
            f"    when {sql(word)} then {sql(touch)}" for word, touch in self.meant.touch_kinds.items()
        ]
        guess = "which kind of seeds/touch_kinds.csv each word is."
        if unknown := self.meant.unknown_kinds:
            guess += f" Rejected as unknown until they are named here: {', '.join(unknown)}."
        if not branches:
            select.add("touch_kind", "cast(null as varchar)", guess)
            return
        select.add("touch_kind", "\n".join([f"case {column}", *branches, "end"]), guess)

    def _orders(self) -> str:
        meant, select = self.meant, _Select()
        order = meant["order"]
        if order:
            select.add("order_id", plain(order))
        else:
            self._key(select, "order_id", "order")
        self._persons(select)
        select.add("document_kind", "'order'")
        times = [name for name in ("created_at", "updated_at", "paid_at", "cancelled_at") if meant[name]]
        placed = meant["created_at"] or meant["paid_at"] or meant["updated_at"]
        if not meant["created_at"] and placed:
            select.add(
                "created_at",
                self._over(moment(placed, self.source_id), "min"),
                "no column says when it was placed.",
            )
        for name in times:
            aggregate = "min" if name == "created_at" else "max"
            select.add(name, self._time(name, aggregate) or "", self._day_guess(name))
        self._order_amount(select)
        self._circumstances(select)
        if not self.is_grouped:
            for meaning in ("freight", "discount"):
                if number := self._number(meaning):
                    select.add(f"{meaning}_amount", number)
        self._currency(select)
        if status := self._column("status"):
            select.add("order_state", status)
        ctes = [
            self._source(self._where(purchases=True)),
            self._grouped(select) if self.is_grouped else self._shaped(select),
        ]
        states = self._states()
        if states:
            ctes.append(_more("dated", states, "shaped"))
        days = [
            "    " + self._day_of("created_at", "created_date", by_brand=False),
            "    " + self._day_of("paid_at", "paid_date", by_brand=False),
        ]
        ctes.append(_more("settled", days, "dated" if states else "shaped"))
        rejecting = self._rejecting(
            [
                ("'order_id is null'", "no order id", "order_id"),
                ("'created_at is null'", "time that does not parse", "created_at"),
                ("is_future('created_date')", "time in the future", "created_date"),
            ],
            "settled",
        )
        return _assembled(ctes, rejecting)

    def _grouped(self, select: _Select) -> list[str]:
        order = identifier(self.meant["order"].name) if self.meant["order"] else "_row"
        origin = [
            "        min({{ whole_row('source') }}) as raw_row,",
            "        _load_date,",
            "        _file,",
        ]
        head = [
            "-- guess: the rows of an order are its products, all of them in one file.",
            "shaped as (",
            "    select",
        ]
        tail = ["    from source", f"    group by {order}, _load_date, _file", ")"]
        return [*head, *select.lines("\n".join([*origin, "        min(_row) as _row"])), *tail]

    def _order_amount(self, select: _Select) -> None:
        amount, price, quantity = (self._number(name, "sum") for name in ("amount", "unit_price", "quantity"))
        if amount:
            if self.is_grouped and self.table.has_order_totals:
                amount = self._number("amount", "max")
                select.add("amount", amount or "", "each row of an order repeats its total.")
            else:
                select.add("amount", amount, "the sum of its rows." if self.is_grouped else "")
        elif price and quantity:
            factors = (
                self._decimal(_not_none(self.meant["unit_price"])),
                self._decimal(_not_none(self.meant["quantity"])),
            )
            select.add("amount", self._over(" * ".join(factors), "sum"), "price times quantity.")
        elif price:
            select.add("amount", price, "the price, of one unit each.")
        else:
            select.add("amount", "cast(null as decimal(18, 4))", "no column has the amount.")

    def _states(self) -> list[str]:
        meant, lines = self.meant, list[str]()
        when = "coalesce(updated_at, created_at)" if meant["updated_at"] else "created_at"

        def state(name: str, words: Sequence[str]) -> Iterator[str]:
            listed = ", ".join(map(sql, words))
            yield f"        case when order_state in ({listed}) then {when} end as {name},"

        status = meant["status"]
        if not meant["paid_at"]:
            if status is None:
                lines += comment("guess: every row is an order that was paid when it was placed.", 8)
                lines.append("        created_at as paid_at,")
            elif meant.paid:
                others = [word for word in status.words or () if word not in meant.paid]
                told = f" The others mean that it was not: {', '.join(others)}." if others else ""
                lines += comment(f"guess: these states mean that it was paid.{told}", 8)
                lines += state("paid_at", meant.paid)
            else:
                lines += comment("guess: no state is known to mean that it was paid.", 8)
                lines.append("        cast(null as timestamp) as paid_at,")
        if not meant["cancelled_at"] and meant.cancelled:
            lines += comment("guess: these states mean that it was cancelled.", 8)
            lines += state("cancelled_at", meant.cancelled)
        return lines

    def _listed_lines(self, items: Items) -> str:
        order = self.meant["order"]
        if order is None:
            raise ValueError("lines of no order")
        select = _Select()
        select.add("order_id", plain(order))
        self._brand(select)
        select.add("product_id", plain(items.fields["product"]))
        if name := items.fields.get("product_name"):
            select.add("product_name", plain(name))
        quantity, price, amount = (items.fields.get(one) for one in ("quantity", "unit_price", "amount"))
        select.add("quantity", plain(quantity) if quantity else "1", "" if quantity else "one of each.")
        if price:
            select.add("unit_price", self._decimal(price))
        if amount and (price or not quantity):
            select.add("amount", self._decimal(amount))
        elif one := price or amount:
            factors = [self._decimal(one), *([self._decimal(quantity)] if quantity else [])]
            select.add("amount", " * ".join(factors), "price times quantity.")
        else:
            select.add("amount", "cast(null as decimal(18, 4))", "no field has the amount of a line.")
        select.add("is_duplicate", "false")
        if self.meant["updated_at"]:
            select.add("updated_at", self._time("updated_at") or "")
        listed = [
            "listed as (",
            f"    {{{{ json_items('source', {jinja(identifier(items.column))}, {jinja(items.path)}) }}}}",
            ")",
        ]
        shaped = self._shaped(select, "listed", f"'listed', items_of={argument(order)}")
        rejecting = self._rejecting(
            [("'product_id is null'", "an item without a product", "product_id")], "shaped"
        )
        return _assembled([self._source(self._where(purchases=True)), listed, shaped], rejecting)

    def _order_lines(self) -> str:
        if self.table.items:
            return self._listed_lines(self.table.items)
        meant, select = self.meant, _Select()
        order = meant["order"]
        select.add("order_id", plain(order) if order else self._row_number())
        self._line_id(select)
        self._brand(select)
        select.add("product_id", self._column("product") or "cast(null as varchar)")
        if name := self._column("product_name"):
            select.add("product_name", name)
        quantity = self._number("quantity")
        select.add("quantity", quantity or "1", "" if quantity else "no column has the quantity.")
        price, amount = self._number("unit_price"), self._number("amount")
        if price:
            select.add("unit_price", price)
        if amount and not self.table.has_order_totals:
            select.add("amount", amount)
        elif price and quantity:
            select.add("amount", f"{price} * {quantity}", "price times quantity.")
        else:
            select.add(
                "amount", price or "cast(null as decimal(18, 4))", "no column has the amount of a line."
            )
        select.add("is_duplicate", "false")
        rejecting = self._rejecting(
            [
                ("'order_id is null'", "no order id", "order_id"),
                ("'quantity is null'", "quantity that is not a number", "quantity"),
            ],
            "shaped",
        )
        return _assembled([self._source(self._where(purchases=True)), self._shaped(select)], rejecting)

    def _line_id(self, select: _Select) -> None:
        order, line = self.meant["order"], self.meant["line"]
        if line:
            select.add("line_id", plain(line))
        elif order and (self.table.repeats == "lines" or "orders" not in self.meant.entities):
            partition = f"partition by {identifier(order.name)}, _load_date, _file order by _row"
            select.add(
                "line_id", f"row_number() over ({partition})", "its place among the rows of the order."
            )
        else:
            select.add("line_id", "'1'", "an order is one row.")

    def _refunds(self) -> str:
        select = _Select()
        self._key(select, "refund_id", "refund")
        select.add("order_id", self._column("order") or "cast(null as varchar)")
        name = "refunded_at" if self.meant["refunded_at"] else "created_at"
        select.add("refunded_at", self._time(name) or "", self._day_guess(name))
        select.add("amount", self._number("amount") or "")
        self._currency(select)
        return self._dated_document(select, "refunded_at", "refunded_on", "refund_id", by_brand=False)

    def _reviews(self) -> str:
        select = _Select()
        self._key(select, "review_id", "review")
        self._brand(select)
        select.add("order_id", self._column("order") or "cast(null as varchar)")
        self._persons(select)
        name = "reviewed_at" if self.meant["reviewed_at"] else "created_at"
        select.add("reviewed_at", self._time(name) or "", self._day_guess(name))
        select.add("rating", self._column("rating") or "")
        if product := self._column("product"):
            select.add("product_id", product)
        return self._dated_document(select, "reviewed_at", "reviewed_on", "review_id")

    def _dated_document(
        self,
        select: _Select,
        time: str,
        day: str,
        key: str,
        *,
        by_brand: bool = True,
        source: Sequence[str] = (),
        more: Sequence[tuple[str, str, str]] = (),
    ) -> str:
        dated = _more("dated", ["    " + self._day_of(time, day, by_brand=by_brand)], "shaped")
        rejecting = self._rejecting(
            [
                (f"'{key} is null'", f"no {key.replace('_', ' ')}", key),
                (f"'{time} is null'", "time that does not parse", time),
                (f"is_future('{day}')", "time in the future", day),
                *more,
            ],
            "dated",
        )
        return _assembled([source or self._source(), self._shaped(select), dated], rejecting)

    def _memberships(self) -> str:
        select = _Select()
        member = self._column("member") or self._column("visitor")
        membership = self._column("membership")
        guess = "" if membership else "a person has one membership."
        select.add("membership_id", membership or member or self._row_number(), guess)
        self._brand(select)
        self._persons(select)
        select.add("state_kind", "'member'", "all are members; others are follower or subscriber.")
        select.add("tier", "cast(null as integer)", "no tier; a higher one is a higher number.")
        select.add("joined_at", self._time("joined_at") or "", self._day_guess("joined_at"))
        left = self._time("left_at")
        select.add("left_at", left or "cast(null as timestamp)", "" if left else "nobody leaves.")
        if updated := self._time("updated_at"):
            select.add("updated_at", updated)
        days = [self._day_of("joined_at", "joined_on"), self._day_of("left_at", "left_on")]
        rejecting = self._rejecting(
            [
                ("'membership_id is null'", "no membership id", "membership_id"),
                ("'joined_at is null'", "time that does not parse", "joined_on"),
            ],
            "shaped",
            days,
        )
        return _assembled([self._source(), self._shaped(select)], rejecting)

    def _products(self) -> str:
        select = _Select()
        select.add("product_id", self._column("product") or "")
        self._brand(select)
        for meaning in ("product_name", "category_id", "category_name"):
            if column := self._column(meaning):
                select.add(meaning, column)
        if updated := self._time("updated_at"):
            select.add("updated_at", updated)
        rejecting = self._rejecting([("'product_id is null'", "no product id", "product_id")], "shaped")
        return _assembled([self._source(), self._shaped(select)], rejecting)


def _not_none(column: Column | None) -> Column:
    if column is None:
        raise ValueError("a column that was found is missing")
    return column


def _more(name: str, columns: Sequence[str], relation: str) -> list[str]:
    """Part of a `with`: a relation with more columns, each line of which ends in a comma."""
    last = columns[-1].removesuffix(",")
    return [f"{name} as (", "    select", "        *,", *columns[:-1], last, f"    from {relation}", ")"]


def _assembled(parts: Sequence[Sequence[str]], select: Sequence[str]) -> str:
    """A model: the parts of its `with`, and what is selected from the last."""
    divided = ["\n".join(part) for part in parts]
    return ",\n\n".join(divided) + "\n\n" + "\n".join(select) + "\n"
