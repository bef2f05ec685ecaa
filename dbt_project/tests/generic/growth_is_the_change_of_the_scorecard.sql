{% test growth_is_the_change_of_the_scorecard(model, scorecard) %}
with grown as (
    select
        brand_id,
        period_id,
        base_period_id,
        comparison_kind,
        money_basis,
        sum(gain + retain + boost + other_change) as change
    from {{ model }}
    where buyer_class = 'all'
    group by brand_id, period_id, base_period_id, comparison_kind, money_basis
),

money as (
    select
        brand_id,
        period_id,
        paid_amount as gross,
        paid_amount - coalesce(refunded_as_known, 0) - coalesce(unlinked_refund_amount, 0)
        + coalesce(adjustment_amount, 0) as net_as_known
    from {{ scorecard }}
    where slice = 'all'
),

compared as (
    select
        grown.*,
        case grown.money_basis
            when 'gross' then money.gross - bases.gross else money.net_as_known - bases.net_as_known
        end as expected
    from grown
    inner join money on {{ join_on('grown', 'money', ['brand_id', 'period_id']) }}
    inner join money as bases
        on grown.brand_id = bases.brand_id and grown.base_period_id = bases.period_id
)

select * from compared
where coalesce(abs(change - expected) >= 0.005, true)
{% endtest %}
