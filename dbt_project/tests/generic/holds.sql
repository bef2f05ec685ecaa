{#
  A condition is true in every row; NULL counts as false.
  arguments: condition (SQL).
#}
{% test holds(model, condition) %}
select * from {{ model }}
where not coalesce({{ condition }}, false)
{% endtest %}
