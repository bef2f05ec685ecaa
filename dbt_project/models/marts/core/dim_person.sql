{{ config(
    materialized='incremental',
    scope=[changed('dim_person_key')],
    scope_key=['person_id'],
    on_schema_change='fail',
) }}

select
    person_keys.person_id,
    split_part(person_keys.person_id, ':', 1) as identity_space,
    case split_part(person_keys.person_id, ':', 2) when 'm' then 'member' else 'visitor' end as key_kind,
    {{ dbt.listagg(
        "person_keys.source_key || ' since '"
        ~ " || coalesce(cast(person_keys.first_seen_on as " ~ dbt.type_string() ~ "), 'unknown')",
        "', '",
        'order by person_keys.first_seen_on nulls last, person_keys.source_key'
    ) }} as keys,
    cast(count(*) as integer) as key_count,
    min(person_keys.first_seen_on) as first_seen_on,
    max(person_keys.last_seen_on) as last_seen_on
from {{ ref('dim_person_key') }} as person_keys
where {{ in_scope('person_keys') }}
group by person_keys.person_id
