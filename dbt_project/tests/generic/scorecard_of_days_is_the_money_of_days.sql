{% test scorecard_of_days_is_the_money_of_days(model, money_days, brands) %}
with days as (
    select cells.*
    from {{ model }} as cells
    inner join {{ brands }} as brands on cells.brand_id = brands.brand_id
    where
        cells.period_type = 'day'
        and cells.slice = 'all'
        and not brands.is_unbranded
        {{ and_changed(model, ['brand_id', 'period_id', 'slice', 'member'], 'cells') }}
),

-- Money in no known currency is in no sum of the scorecard, which counts its orders as of unknown amount.
money as (
    select
        money.brand_id,
        money.money_date,
        sum(money.gross_paid_amount) as gross_paid_amount,
        sum(money.refunded_amount) as refunded_amount,
        sum(money.refunded_as_known) as refunded_as_known,
        sum(money.adjustment_amount) as adjustment_amount
    from {{ money_days }} as money
    inner join {{ brands }} as brands on money.brand_id = brands.brand_id
    where money.currency = coalesce(brands.currency, 'unknown')
    group by money.brand_id, money.money_date
)

select
    days.brand_id,
    days.period_start,
    days.paid_amount,
    money.gross_paid_amount,
    days.refunded_amount,
    money.refunded_amount as money_refunded_amount,
    days.refunded_as_known,
    days.unlinked_refund_amount,
    money.refunded_as_known as money_refunded_as_known
from days
left join money on days.brand_id = money.brand_id and days.period_start = money.money_date
where
    days.paid_amount <> coalesce(money.gross_paid_amount, 0)
    or days.refunded_amount <> coalesce(money.refunded_amount, 0)
    or days.refunded_as_known + days.unlinked_refund_amount <> coalesce(money.refunded_as_known, 0)
    or days.adjustment_amount <> coalesce(money.adjustment_amount, 0)
{% endtest %}
