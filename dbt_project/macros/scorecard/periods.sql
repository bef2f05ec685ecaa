{# Calendar periods of the scorecard; `four_weeks` and those of campaigns come besides. #}
{% macro report_period_types() -%}
    {{ return(['day', 'week', 'month', 'quarter', 'year']) }}
{%- endmacro %}

{#
  Ids of products and campaigns are those of their source; a brand whose sources do not share one identity
  space has that before them. `facts` is the alias of `int_brand_facts`.
#}
{% macro told_apart(alias, id, facts='facts') -%}
    case
        when {{ facts }}.has_several_spaces
            then {{ identity_space(alias ~ '.source_id') }} || ':' || {{ alias }}.{{ id }}
        else {{ alias }}.{{ id }}
    end
{%- endmacro %}

{#
  Campaigns with their days; one per brand and id. One of more than 366 days is a season, not a campaign: who
  is new in it could not be told from a year's look back.
#}
{% macro campaigns() -%}
    select
        brand_id,
        campaign_id,
        starts_on,
        ends_on,
        least(coalesce(warm_up_from, starts_on), starts_on) as warm_up_from,
        baseline_from,
        baseline_to
    from (
        select
            listed.brand_id,
            {{ told_apart('listed', 'campaign_id') }} as campaign_id,
            listed.starts_on,
            listed.ends_on,
            listed.warm_up_from,
            listed.baseline_from,
            listed.baseline_to,
            row_number() over (
                partition by listed.brand_id, {{ told_apart('listed', 'campaign_id') }}
                order by listed.updated_at desc nulls last, listed.source_id
            ) as version_rank
        from {{ ref('int_campaigns') }} as listed
        inner join {{ ref('int_brand_facts') }} as facts on listed.brand_id = facts.brand_id
        where
            listed.is_current
            and listed.starts_on <= listed.ends_on
            and listed.ends_on < {{ add_days('listed.starts_on', 366) }}
    ) as ranked
    where version_rank = 1
{%- endmacro %}
