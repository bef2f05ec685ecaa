{% test a_brand_has_one_zone_and_currency(
    model, events, order_lines, reviews, memberships, sources, brands
) %}
with fed as (
    select source_id, brand_id from {{ events }}
    union
    select source_id, brand_id from {{ order_lines }}
    union
    select source_id, brand_id from {{ reviews }}
    union
    select source_id, brand_id from {{ memberships }}
)

select
    fed.brand_id,
    min(fed.source_id) as one_source,
    max(fed.source_id) as other_source
from fed
inner join {{ sources }} as sources on fed.source_id = sources.source_id
left join {{ brands }} as brands
    on fed.source_id = brands.source_id and fed.brand_id = brands.brand_id
group by fed.brand_id
having
    count(distinct coalesce(brands.timezone, sources.timezone)) > 1
    or count(distinct coalesce(brands.currency, sources.currency)) > 1
{% endtest %}
