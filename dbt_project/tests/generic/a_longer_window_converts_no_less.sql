{# Whether, of rules that differ only in their window, the longer one opens as much and converts no less. #}
{% test a_longer_window_converts_no_less(model, rules) %}
select
    short_days.brand_id,
    short_days.rule_id as shorter,
    long_days.rule_id as longer,
    short_days.opened_on
from {{ rules }} as shorter
inner join {{ rules }} as longer
    on
        {{ join_on('shorter', 'longer', ['from_kind', 'to_kind', 'unit', 'closes_on']) }}
        and shorter.window_days < longer.window_days
inner join {{ model }} as short_days on shorter.rule_id = short_days.rule_id
inner join {{ model }} as long_days
    on
        longer.rule_id = long_days.rule_id
        and {{ join_on('short_days', 'long_days', ['brand_id', 'opened_on']) }}
where
    short_days.opened <> long_days.opened
    or short_days.converted > long_days.converted
    or short_days.persons_converted > long_days.persons_converted
{% endtest %}
