{# Whether each day's window is over by the brand's horizon, and each conversion lies within it. #}
{% test conversion_windows_are_closed_and_short(model, rules, brands) %}
select days.brand_id, days.rule_id, days.opened_on, days.days_sum
from {{ model }} as days
inner join {{ rules }} as rules on days.rule_id = rules.rule_id
inner join {{ brands }} as brands on days.brand_id = brands.brand_id
where
    days.opened_on < brands.first_day
    or {{ add_days('days.opened_on', 'rules.window_days - 1') }} > brands.horizon
    or days.days_sum > days.converted * (rules.window_days - 1)
    or (rules.closes_on = 'later_day' and days.days_sum < days.converted)
{% endtest %}
