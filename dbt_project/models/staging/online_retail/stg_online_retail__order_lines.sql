with source as (
    select * from {{ source('online_retail', 'invoice_lines') }}
),

shaped as (
    select
        InvoiceNo as order_id,
        cast(_row as {{ dbt.type_string() }}) as line_id,
        'online_retail' as brand_id,
        StockCode as product_id,
        Description as product_name,
        case
            when StockCode in ('POST', 'DOT', 'C2') then 'freight'
            when StockCode in ('M', 'm', 'D', 'S', 'B', 'CRUK', 'BANK CHARGES', 'AMAZONFEE') then 'fee'
            else 'goods'
        end as line_kind,
        {{ safe_cast('Quantity', 'decimal(18, 4)') }} as quantity,
        {{ safe_cast('UnitPrice', 'decimal(18, 4)') }} as unit_price,
        {{ safe_cast(
            safe_cast('Quantity', 'decimal(18, 4)') ~ ' * ' ~ safe_cast('UnitPrice', 'decimal(18, 4)'),
            'decimal(18, 4)'
        ) }} as amount,
        -- Exact duplicates stay: the published total includes them.
        row_number() over (
            partition by
                _load_date, _file, InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
                CustomerID, Country
            order by _row
        ) > 1 as is_duplicate,
        {{ business_date(utc_from_local('InvoiceDate', 'online_retail'), 'online_retail') }} as created_date,
        {{ row_origin('source') }}
    from source
)

select
    *,
    {{ reject_reason([
        ('order_id is null', 'no invoice number', 'order_id'),
        ('quantity is null or unit_price is null', 'quantity or price that is not a number'),
        ('amount is null', 'quantity times price beyond any amount', 'amount'),
        ('created_date is null', 'invoice date that does not parse'),
        (is_future('created_date'), 'time in the future'),
    ]) }} as reject_reason
from shaped
