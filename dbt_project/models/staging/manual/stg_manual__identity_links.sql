with source as (
    select * from {{ source('manual', 'identity_links') }}
),

shaped as (
    select
        visitor_id,
        member_id,
        other_member_id,
        -- A person has two accounts for all time.
        case
            when other_member_id is not null and valid_from is null then cast('1970-01-01' as timestamp)
            else {{ utc_from_local('valid_from', 'manual') }}
        end as valid_from,
        {{ utc_from_local('valid_to', 'manual') }} as valid_to,
        valid_to as valid_to_text,
        coalesce(visitor_id, other_member_id) || ' > ' || member_id as linked,
        cast(_load_date as timestamp) as recorded_at,
        false as is_withdrawn,
        {{ row_origin('source') }}
    from source
)

select
    *,
    linked || ' ' || cast(valid_from as {{ dbt.type_string() }}) as link_id,
    {{ reject_reason([
        ('member_id is null', 'no member', 'member_id'),
        ('visitor_id is null and other_member_id is null', 'neither a visitor nor another member'),
        ('visitor_id is not null and other_member_id is not null', 'both a visitor and another member'),
        ('valid_from is null', 'beginning that is not a time such as 2024-09-30 18:00', 'valid_from'),
        ('valid_to is null and valid_to_text is not null', 'end that is not a time such as 2024-09-30 18:00'),
    ]) }} as reject_reason
from shaped
