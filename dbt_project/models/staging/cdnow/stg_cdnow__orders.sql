with source as (
    select * from {{ source('cdnow', 'purchases') }}
),

-- The log has no order number: a row is an order, identified by its place in the file.
shaped as (
    select
        _file || ':' || cast(_row as {{ dbt.type_string() }}) as order_id,
        customer_id as member_id,
        'order' as document_kind,
        {{ utc_from_local(day_from_digits('purchased_on'), 'cdnow') }} as created_at,
        {{ day_from_digits('purchased_on') }} as created_date,
        {{ safe_cast('dollar_value', 'decimal(18, 4)') }} as amount,
        'USD' as currency,
        {{ row_origin('source') }}
    from source
)

select
    *,
    created_at as paid_at,
    created_date as paid_date,
    {{ reject_reason([
        ('created_date is null', 'day that does not parse', 'created_date'),
        (is_future('created_date'), 'time in the future', 'created_date'),
        ('member_id is null', 'no customer', 'member_id'),
        ('amount is null', 'amount that is not a number', 'amount'),
    ]) }} as reject_reason
from shaped
