with source as (
    select
        *,
        row_number() over (partition by user_id, user_session order by _file, _row) as line_number
    from {{ source('rees46', 'events') }}
    where event_type = 'purchase'
),

-- The dump has no orders: a user's purchases in one session form one, its amount the sum of its lines. A
-- session may span two dumps: the whole source is staged again when one of them changes.
shaped as (
    select
        user_id || '-' || coalesce(user_session, '') as order_id,
        user_id as member_id,
        'order' as document_kind,
        user_session as session_id,
        min({{ utc_from_local("replace(event_time, ' UTC', '')", 'rees46') }}) as paid_at,
        sum({{ safe_cast('price', 'decimal(18, 4)') }}) as amount,
        min({{ whole_row('source') }}) as raw_row,
        max(_load_date) as _load_date,
        min(case when line_number = 1 then _file end) as _file,
        min(case when line_number = 1 then _row end) as _row
    from source
    group by user_id, user_session
),

dated as (
    select
        *,
        paid_at as created_at,
        {{ business_date('paid_at', 'rees46') }} as created_date,
        {{ business_date('paid_at', 'rees46') }} as paid_date,
        'USD' as currency
    from shaped
)

select
    *,
    {{ reject_reason([
        ('paid_at is null', 'time that does not parse', 'paid_at'),
        (is_future('paid_date'), 'time in the future', 'paid_date'),
        ('order_id is null', 'no user', 'order_id'),
    ]) }} as reject_reason
from dated
