{#
  CTEs of `with recursive`: in `climb`, from each category of the current catalogue up through its ancestors, until a
  parent is not known or was `passed` before.
#}
{% macro climb_of_categories() -%}
categories as (
    select
        source_id,
        category_id,
        parent_id
    from {{ ref('int_categories') }}
    where is_current
),

climb (source_id, category_id, ancestor_id, parent_id, passed, steps) as (
    select
        source_id,
        category_id,
        category_id as ancestor_id,
        parent_id,
        chr(31) || category_id || chr(31) as passed,
        0 as steps
    from categories

    union all

    select
        climb.source_id,
        climb.category_id,
        parents.category_id as ancestor_id,
        parents.parent_id,
        climb.passed || chr(31) || parents.category_id || chr(31) as passed,
        climb.steps + 1 as steps
    from climb
    inner join categories as parents
        on
            climb.source_id = parents.source_id
            and climb.parent_id = parents.category_id
            and position(chr(31) || parents.category_id || chr(31) in climb.passed) = 0
)
{%- endmacro %}
