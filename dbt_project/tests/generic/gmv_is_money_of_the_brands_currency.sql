{% test gmv_is_money_of_the_brands_currency(model, gmv_days, brands) %}
with money as (
    select
        money.brand_id,
        money.money_date,
        sum(case when money.currency = brands.currency then money.gross_paid_amount end) as gross,
        sum(case
            when money.currency = brands.currency then money.unknown_amount_orders
            when money.currency = 'unknown' then money.paid_orders
            else 0
        end) as unknown_orders,
        sum(case when money.currency not in (brands.currency, 'unknown') then money.paid_orders else 0 end)
            as other_orders
    from {{ model }} as money
    inner join {{ brands }} as brands on money.brand_id = brands.brand_id
    group by money.brand_id, money.money_date
)

-- Less in the bucket: what no line tells apart is money, but of no purchase of it. It is known even where an order's
-- lines of no brand tell no amount.
select gmv_days.*, money.gross, money.unknown_orders, money.other_orders
from {{ gmv_days }} as gmv_days
inner join {{ brands }} as brands on gmv_days.brand_id = brands.brand_id
left join money on gmv_days.brand_id = money.brand_id and gmv_days.gmv_date = money.money_date
where
    gmv_days.gmv > coalesce(money.gross, 0)
    or (gmv_days.gmv is null and coalesce(money.unknown_orders, 0) = 0 and not brands.is_unbranded)
    or gmv_days.other_currency_orders > coalesce(money.other_orders, 0)
{% endtest %}
