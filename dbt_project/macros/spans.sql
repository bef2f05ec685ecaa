{#
  Half-open spans in which at least `least` spans of a relation overlap: a running sum of +1 at each start
  and -1 at each end. Adjacent spans are not merged.
  spans: relation with `valid_from`, `valid_to`; keys: columns to count within; least: SQL, may be a key
#}
{% macro spans_of_count(spans, keys, least='1') -%}
    {%- set keys = keys | join(', ') -%}
    select {{ keys }}, valid_from, valid_to
    from (
        select
            {{ keys }},
            edge_date as valid_from,
            lead(edge_date) over (partition by {{ keys }} order by edge_date) as valid_to,
            sum(step) over (
                partition by {{ keys }} order by edge_date rows between unbounded preceding and current row
            ) as spans_on
        from (
            select {{ keys }}, edge_date, sum(step) as step
            from (
                select {{ keys }}, valid_from as edge_date, 1 as step from {{ spans }}
                where valid_from < valid_to
                union all
                select {{ keys }}, valid_to as edge_date, -1 as step from {{ spans }}
                where valid_from < valid_to
            ) as edges
            group by {{ keys }}, edge_date
        ) as edge_days
    ) as counts
    where spans_on >= {{ least }}
{%- endmacro %}
