{{ config(meta={'dagster': {'ref': {'name': 'fct_money_daily'}}}) }}

-- Law: per brand and currency, refunds by their own day and by the day of their order are the same money.
select
    brand_id,
    currency,
    sum(refunded_amount) as by_refund_day,
    sum(refunded_as_known) as as_known
from {{ ref('fct_money_daily') }}
group by brand_id, currency
having sum(refunded_amount) <> sum(refunded_as_known)
