select
    windows.brand_id,
    windows.horizon_days,
    windows.start_date,
    purchases.buyer_id,
    purchases.person_id,
    sum(purchases.gmv) as spend
from {{ ref('int_gmv_windows') }} as windows
inner join {{ ref('int_gmv_purchases') }} as purchases
    on
        windows.brand_id = purchases.brand_id
        and purchases.paid_date > windows.start_date
        and purchases.paid_date <= windows.end_date
group by
    windows.brand_id, windows.horizon_days, windows.start_date, purchases.buyer_id, purchases.person_id
