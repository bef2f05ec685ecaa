{#
  Sums of the seven days of a week are those of the week, where none of them is unknown. Buyers change their
  class from day to day.
#}
{% test days_add_up_to_the_week(model) %}
{%- set columns = [] %}
{%- for column, (fact, capability, unit) in scorecard_columns().items() if unit in ['sum', 'documents', 'person_days'] %}
{%- do columns.append(column) %}
{%- endfor %}
with weeks as (
    select * from {{ model }} as cells
    where
        period_type = 'week'
        and slice not in ('buyer_class', 'category_buyer_class')
        {{ and_changed(model, ['brand_id', 'period_id', 'slice', 'member'], 'cells') }}
),

days as (
    select
        weeks.brand_id,
        weeks.period_id,
        weeks.slice,
        weeks.member
        {%- for column in columns %},
        case when count(days.{{ column }}) = count(*) then sum(days.{{ column }}) end as {{ column }}
        {%- endfor %}
    from weeks
    inner join {{ model }} as days
        on
            {{ join_on('weeks', 'days', ['brand_id', 'slice', 'member']) }}
            and days.period_type = 'day'
            and days.period_start between weeks.period_start and weeks.period_end
    group by weeks.brand_id, weeks.period_id, weeks.slice, weeks.member
)

select * from (
select
    weeks.brand_id,
    weeks.period_id,
    weeks.slice,
    weeks.member,
    concat_ws(
        ', '
        {%- for column in columns %},
        case when weeks.{{ column }} <> days.{{ column }} then '{{ column }}' end
        {%- endfor %}
    ) as wrong
from weeks
inner join days on {{ join_on('weeks', 'days', ['brand_id', 'period_id', 'slice', 'member']) }}
) as compared
where wrong <> ''
{% endtest %}
