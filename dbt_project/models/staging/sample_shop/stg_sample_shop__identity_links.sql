with source as (
    select * from {{ source('sample_shop', 'identity_links') }}
),

shaped as (
    select
        link_id,
        visitor_id,
        member_id,
        other_member_id,
        {{ utc_from_local('valid_from', 'sample_shop') }} as valid_from,
        {{ utc_from_local('valid_to', 'sample_shop') }} as valid_to,
        {{ utc_from_local('recorded_at', 'sample_shop') }} as recorded_at,
        case withdrawn when 'true' then true when 'false' then false end as is_withdrawn,
        valid_to as valid_to_text,
        {{ row_origin('source') }}
    from source
)

select
    link_id,
    visitor_id,
    member_id,
    other_member_id,
    valid_from,
    valid_to,
    recorded_at,
    is_withdrawn,
    raw_row,
    _load_date,
    _file,
    _row,
    {{ reject_reason([
        ('link_id is null', 'no link id', 'link_id'),
        ('member_id is null', 'no member', 'member_id'),
        ('visitor_id is null and other_member_id is null', 'neither a visitor nor another member'),
        ('visitor_id is not null and other_member_id is not null', 'both a visitor and another member'),
        ('recorded_at is null or valid_from is null', 'time that does not parse'),
        ('valid_to is null and valid_to_text is not null', 'time that does not parse', 'valid_to'),
        (is_future(business_date('recorded_at', 'sample_shop')), 'time in the future', 'recorded_at'),
        ('valid_from > recorded_at or valid_to > recorded_at', 'time after it was recorded'),
        ('is_withdrawn is null', 'withdrawn neither true nor false', 'is_withdrawn'),
    ]) }} as reject_reason
from shaped
