{{ config(
    materialized='incremental',
    scope=[
        changed('int_placed_orders'),
        changed('int_orders_settled'),
        changed('int_order_lines'),
        changed('int_product_categories', through='int_order_lines', on=['source_id', 'product_id']),
    ],
    scope_key=['source_id', 'order_id'],
    only_differences=true,
) }}

with purchases as (
    select * from {{ ref('int_placed_orders') }} as placed
    where
        placed.paid_at is not null
        and {{ in_scope('placed') }}
),

bought as (
    select
        purchases.*,
        purchases.line_amount = purchases.amount as is_sum_of_lines,
        orders.amount as order_amount,
        orders.discount_amount as order_discount_amount,
        orders.coupon_amount as order_coupon_amount
    from purchases
    inner join {{ ref('int_orders') }} as orders
        on
            {{ join_on('purchases', 'orders', ['source_id', 'order_id']) }}
            and orders.is_current
),

lines as (
    select
        lines.*,
        sum(lines.amount) over brand_lines as amount_up_to,
        row_number() over brand_lines = count(*) over (
            partition by lines.source_id, lines.order_id, lines.brand_id
        ) as is_last,
        min(case when lines.amount = round(lines.amount, 2) then 1 else 0 end) over (
            partition by lines.source_id, lines.order_id, lines.brand_id
        ) = 1 as is_whole_cents
    from {{ ref('int_order_lines') }} as lines
    where
        lines.is_current
        and {{ in_scope('lines') }}
    window brand_lines as (
        partition by lines.source_id, lines.order_id, lines.brand_id order by lines.line_id
        rows between unbounded preceding and current row
    )
),

-- A line ends at its share of the order's money; where the lines do not tell, they have units only.
ends as (
    select
        bought.*,
        lines.line_id,
        lines.product_id,
        lines.line_kind,
        lines.quantity,
        lines.list_amount,
        lines.cost_amount,
        lines.amount as own_amount,
        bought.is_sum_of_lines and (
            lines.is_whole_cents or (bought.share_from = 0 and bought.share_to = 1)
        ) as has_own_amounts,
        case
            when bought.line_amount is null then null
            when lines.is_last then bought.share_to
            else
                bought.share_from + (bought.share_to - bought.share_from)
                * {{ safe_divide('lines.amount_up_to', 'bought.line_amount') }}
        end as share_end
    from bought
    inner join lines on {{ join_on('bought', 'lines', ['source_id', 'order_id', 'brand_id']) }}
),

of_lines as (
    select
        *,
        coalesce(
            lag(share_end) over (partition by source_id, order_id, brand_id order by line_id),
            case when share_end is not null then share_from end
        ) as share_start
    from ends
),

-- Money that no line tells.
of_no_line as (
    select * from bought
    where
        {{ not_in_relation('bought', 'ends', ['source_id', 'order_id', 'brand_id']) }}
        or (line_amount is null and amount is not null)
),

parts as (
    select
        source_id, order_id, brand_id, line_id, product_id, line_kind, quantity, list_amount, cost_amount,
        share_start, share_end,
        case
            when has_own_amounts then own_amount
            when line_amount is null and amount is not null then 0
            else {{ split_amount('order_amount', 'share_start', 'share_end') }}
        end as paid_amount
    from of_lines

    union all

    select
        source_id, order_id, brand_id,
        cast(null as {{ dbt.type_string() }}) as line_id,
        cast(null as {{ dbt.type_string() }}) as product_id,
        cast(null as {{ dbt.type_string() }}) as line_kind,
        cast(null as decimal(18, 4)) as quantity,
        cast(null as decimal(18, 4)) as list_amount,
        cast(null as decimal(18, 4)) as cost_amount,
        share_from as share_start,
        share_to as share_end,
        amount as paid_amount
    from of_no_line
)

select
    parts.source_id,
    parts.order_id,
    parts.brand_id,
    parts.line_id,
    bought.source_key,
    bought.person_id,
    bought.currency,
    bought.created_at,
    bought.paid_at,
    bought.paid_date,
    bought.paid_hour,
    coalesce(parts.product_id, '(none)') as product_id,
    categories.category_id,
    categories.department,
    bought.region,
    bought.device,
    bought.channel,
    bought.campaign_id,
    coalesce(parts.line_kind, 'goods') as line_kind,
    parts.quantity,
    cast(parts.paid_amount as decimal(18, 4)) as paid_amount,
    parts.list_amount,
    cast(
        case
            when parts.list_amount is not null and parts.share_end is not null
                then parts.list_amount - parts.paid_amount
            else {{ split_amount('bought.order_discount_amount', 'parts.share_start', 'parts.share_end') }}
        end as decimal(18, 4)
    ) as discount_amount,
    parts.cost_amount,
    {{ split_amount('bought.order_coupon_amount', 'parts.share_start', 'parts.share_end') }} as coupon_amount,
    coalesce(bought.order_coupon_amount > 0, false) as has_benefit,
    categories.listed_on,
    bought.is_brand_known,
    bought.order_amount is not null as is_amount_known,
    parts.share_start,
    parts.share_end
from parts
inner join bought on {{ join_on('parts', 'bought', ['source_id', 'order_id', 'brand_id']) }}
left join {{ ref('int_product_categories') }} as categories
    on {{ join_on('parts', 'categories', ['source_id', 'product_id']) }}
