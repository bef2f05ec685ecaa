{#
  Spans, half-open and not empty, on which at least `least` of the spans of a relation are on: a running sum of +1
  where one begins and -1 where it ends. Neighbours follow on each other without a gap.
  spans: relation with `valid_from`, `valid_to`; keys: columns within which they are counted;
  least: SQL, may be a key
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
