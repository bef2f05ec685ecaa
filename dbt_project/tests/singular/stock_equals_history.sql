{{ config(meta={'dagster': {'ref': {'name': 'fct_aipl_daily'}}}) }}

-- Law: the stock of a day counts the persons whose stage history covers it. Checked on each brand's horizon.
with counted as (
    select history.preset, history.brand_id, history.stage, count(*) as persons
    from {{ ref('fct_aipl_stage_history') }} as history
    inner join {{ ref('dim_brand') }} as brands on history.brand_id = brands.brand_id
    where history.stage_rank > 0 and history.valid_from <= brands.horizon and brands.horizon < history.valid_to
    group by history.preset, history.brand_id, history.stage
),

stock as (
    select daily.preset, daily.brand_id, daily.stage, daily.persons
    from {{ ref('fct_aipl_daily') }} as daily
    inner join {{ ref('dim_brand') }} as brands
        on daily.brand_id = brands.brand_id and daily.as_of_date = brands.horizon
    where daily.persons > 0
)

select *
from counted
full outer join stock using (preset, brand_id, stage)
where counted.persons is distinct from stock.persons
