with brands as (
    select * from {{ ref('int_brands') }}
),

dates as (
    {{ date_series('(select min(first_day) from brands)', '(select max(horizon) from brands)') }}
),

purchase_days as (
    select
        brand_id,
        paid_date,
        case when count(amount) = count(*) then sum(amount) end as gmv
    from ({{ gmv_purchases() }}) as purchases
    group by brand_id, paid_date
),

other_days as (
    select brand_id, paid_date, count(*) as orders
    from ({{ gmv_purchases(others=true) }}) as purchases
    group by brand_id, paid_date
)

select
    brands.brand_id,
    dates.date_day as gmv_date,
    cast(case when purchase_days.paid_date is null then 0 else purchase_days.gmv end as decimal(18, 4))
        as gmv,
    coalesce(other_days.orders, 0) as other_currency_orders
from brands
inner join dates on dates.date_day between brands.first_day and brands.horizon
left join purchase_days
    on brands.brand_id = purchase_days.brand_id and dates.date_day = purchase_days.paid_date
left join other_days
    on brands.brand_id = other_days.brand_id and dates.date_day = other_days.paid_date
