with source as (
    select * from {{ source('online_retail', 'invoice_lines') }}
),

-- An invoice never spans two daily dumps; its amount is the sum of its lines.
shaped as (
    select
        InvoiceNo as order_id,
        -- The dump writes customer numbers as floats.
        max(split_part(CustomerID, '.', 1)) as member_id,
        case substr(InvoiceNo, 1, 1)
            when 'C' then 'refund'
            when 'A' then 'adjustment'
            else 'order'
        end as document_kind,
        min({{ utc_from_local('InvoiceDate', 'online_retail') }}) as created_at,
        sum({{ safe_cast(
            safe_cast('Quantity', 'decimal(18, 4)') ~ ' * ' ~ safe_cast('UnitPrice', 'decimal(18, 4)'),
            'decimal(18, 4)'
        ) }}) as amount,
        'GBP' as currency,
        max(Country) as region,
        min({{ whole_row('source') }}) as raw_row,
        _load_date,
        _file,
        min(_row) as _row
    from source
    group by InvoiceNo, _load_date, _file
),

dated as (
    select
        *,
        created_at as paid_at,
        {{ business_date('created_at', 'online_retail') }} as created_date,
        {{ business_date('created_at', 'online_retail') }} as paid_date
    from shaped
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no invoice number', 'order_id'),
        ('created_at is null', 'invoice date that does not parse', 'created_at'),
        (is_future('created_date'), 'time in the future', 'created_date'),
    ]) }} as reject_reason
from dated
