{# Whether as many moves lead into each page class of a period as out of it. #}
{% test who_comes_in_goes_out(model) %}
with ends as (
    select brand_id, period_id, to_class as page_class, moves as moves_in, 0 as moves_out from {{ model }}
    union all
    select brand_id, period_id, from_class as page_class, 0 as moves_in, moves as moves_out from {{ model }}
)

-- Visits begin and end as often.
select
    brand_id,
    period_id,
    case when page_class in ('(entry)', '(exit)') then '(outside)' else page_class end as page_class,
    sum(moves_in) as moves_in,
    sum(moves_out) as moves_out
from ends
group by
    brand_id, period_id, case when page_class in ('(entry)', '(exit)') then '(outside)' else page_class end
having sum(moves_in) <> sum(moves_out)
{% endtest %}
