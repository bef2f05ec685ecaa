{#
  A condition holds in every row.
  arguments: condition (SQL that is never NULL).
#}
{% test holds(model, condition) %}
select * from {{ model }}
where not coalesce({{ condition }}, false)
{% endtest %}
