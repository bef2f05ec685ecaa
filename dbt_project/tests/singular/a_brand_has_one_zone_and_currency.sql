{{ config(meta={'dagster': {'ref': {'name': 'dim_brand'}}}) }}

-- Law: whatever sources feed a brand, its days are of one zone and its money of one currency.
with fed as (
    select source_id, brand_id from {{ ref('int_events') }}
    union
    select source_id, brand_id from {{ ref('int_order_lines') }}
    union
    select source_id, brand_id from {{ ref('int_reviews') }}
    union
    select source_id, brand_id from {{ ref('int_memberships') }}
)

select
    fed.brand_id,
    min(fed.source_id) as one_source,
    max(fed.source_id) as other_source
from fed
inner join {{ source('arrival', 'sources') }} as sources on fed.source_id = sources.source_id
left join {{ source('arrival', 'brands') }} as brands
    on fed.source_id = brands.source_id and fed.brand_id = brands.brand_id
group by fed.brand_id
having
    count(distinct coalesce(brands.timezone, sources.timezone)) > 1
    or count(distinct coalesce(brands.currency, sources.currency)) > 1
