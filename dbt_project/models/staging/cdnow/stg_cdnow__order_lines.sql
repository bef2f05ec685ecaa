with source as (
    select * from {{ source('cdnow', 'purchases') }}
),

shaped as (
    select
        _file || ':' || cast(_row as {{ dbt.type_string() }}) as order_id,
        '1' as line_id,
        'cdnow' as brand_id,
        cast(null as {{ dbt.type_string() }}) as product_id,
        {{ safe_cast('number_of_cds', 'decimal(18, 4)') }} as quantity,
        {{ safe_cast('dollar_value', 'decimal(18, 4)') }} as amount,
        -- Equal rows may be two purchases or one logged twice: both stay.
        row_number() over (
            partition by _load_date, _file, customer_id, purchased_on, number_of_cds, dollar_value
            order by _row
        ) > 1 as is_duplicate,
        {{ day_from_digits('purchased_on') }} as purchased_on,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('purchased_on is null', 'day that does not parse'),
        (is_future('purchased_on'), 'time in the future'),
        ('quantity is null or amount is null', 'quantity or amount that is not a number'),
    ]) }} as reject_reason
from shaped
