select
    stock.preset,
    stock.brand_id,
    stock.as_of_date,
    sum(case when stock.stage_rank >= presets.customer_rank then stock.persons else 0 end) as customer_persons,
    sum(case when stock.stage_rank >= presets.customer_rank then 0 else stock.persons end) as prospect_persons
from {{ ref('fct_aipl_daily') }} as stock
inner join {{ ref('int_gmv_presets') }} as presets on stock.preset = presets.preset
group by stock.preset, stock.brand_id, stock.as_of_date
