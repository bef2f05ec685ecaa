with source as (
    select * from {{ source('sample_shop', 'memberships') }}
),

shaped as (
    select
        membership_id,
        {{ brand_or_unbranded('brand', 'sample_shop') }} as brand_id,
        visitor_id,
        member_id,
        state as state_kind,
        {{ safe_cast('tier', 'integer') }} as tier,
        {{ utc_from_local('joined_at', 'sample_shop') }} as joined_at,
        {{ utc_from_local('left_at', 'sample_shop') }} as left_at,
        left_at as left_text,
        {{ utc_from_local('updated_at', 'sample_shop') }} as updated_at,
        {{ row_origin('source') }}
    from source
)

select
    membership_id,
    brand_id,
    visitor_id,
    member_id,
    state_kind,
    tier,
    {{ business_date('joined_at', 'sample_shop', 'brand_id') }} as joined_on,
    {{ business_date('left_at', 'sample_shop', 'brand_id') }} as left_on,
    updated_at,
    raw_row,
    _load_date,
    _file,
    _row,
    {{ reject_reason([
        ('membership_id is null', 'no membership id', 'membership_id'),
        ('joined_at is null or updated_at is null', 'time that does not parse', 'updated_at'),
        ('left_at is null and left_text is not null', 'time that does not parse', 'left_on'),
        (is_future(business_date('updated_at', 'sample_shop')), 'time in the future', 'updated_at'),
        (
            "state_kind is null or state_kind not in ('member', 'follower', 'subscriber')",
            'unknown state', 'state_kind'
        ),
    ]) }} as reject_reason
from shaped
