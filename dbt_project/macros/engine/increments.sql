{#
  The engine of increments.

  A model says `incremental_strategy='replace_scope'` and `scope`: a model that lists the keys in need of
  rebuilding, with `scope_key`, the columns that both share. In an incremental run the model selects the new
  rows of the scope only; the strategy then deletes what stood for the scope, and what shares the model's
  `unique_key` with a new row, and inserts the new rows. The rows before and after are kept until the next run
  as `changes.<model>`: from these the models downstream derive their own scope. Since a row's scope depends
  on content alone, the incremental tables equal a full build; a build that did not finish is rebuilt in full
  by the orchestrator, so that no scope is ever lost.
#}
{% macro get_incremental_replace_scope_sql(arguments) -%}
    {%- set target = arguments.target_relation -%}
    {%- set fresh = arguments.temp_relation -%}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute='name')) -%}
    {%- set replaced -%}
        {{ in_relation(target, ref(config.require('scope')), config.require('scope_key')) }}
        {%- if arguments.unique_key %}
        or {{ in_relation(target, fresh, arguments.unique_key) }}
        {%- endif %}
    {%- endset -%}
    create or replace table {{ changes_relation(target) }} as
    select 'before' as _image, {{ columns }} from {{ target }} where {{ replaced }}
    union all
    select 'after' as _image, {{ columns }} from {{ fresh }};

    delete from {{ target }} where {{ replaced }};

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endmacro %}

{# Condition: the row's key stands in another relation. A key with a NULL stands nowhere. #}
{% macro in_relation(alias, relation, key) -%}
    ({% for column in key %}{{ alias }}.{{ column }}{{ ', ' if not loop.last }}{% endfor %}) in (
        select {% for column in key %}scope_.{{ column }}{{ ', ' if not loop.last }}{% endfor %} from {{ relation }} as scope_
    )
{%- endmacro %}

{#
  Statements that empty the schema of the changes, or make it; run once at the start, since models run side by side. A
  model that is not selected then has no changes in this build, and not those of an earlier one.
#}
{% macro begin_changes() -%}
    {%- if flags.WHICH in ('build', 'run') %}drop schema if exists changes cascade; {% endif -%}
    create schema if not exists changes
{%- endmacro %}

{# Where the changes of a model are kept. #}
{% macro changes_relation(relation) -%}
    {{ return(api.Relation.create(database=relation.database, schema='changes', identifier=relation.identifier)) }}
{%- endmacro %}

{# ` and …` that keeps the rows of the scope in an incremental run, and nothing in a full one. #}
{% macro and_in_scope(alias, scope, key) -%}
    {#- Named outside the condition, or dbt would not see at parse time that the model needs its scope. -#}
    {%- set scope_relation = ref(scope) -%}
    {%- if is_incremental() %} and {{ in_relation(alias, scope_relation, key) }}{% endif -%}
{%- endmacro %}

{# ` and …` that leaves out, in an incremental run, what is earlier than all of the scope: days are compared before keys. #}
{% macro and_since_scope(date, scope, scope_date) -%}
    {%- set scope_relation = ref(scope) -%}
    {%- if is_incremental() %} and {{ date }} >= (select min({{ scope_date }}) from {{ scope_relation }}){% endif -%}
{%- endmacro %}

{#
  The distinct values of some columns among the rows, before and after, that an upstream model changed in this
  run. Empty in a full build, in which no model asks for its scope.
#}
{% macro changes_of(model_name, columns) -%}
    {%- set changed = changes_relation(ref(model_name)) -%}
    {%- set known = execute and not flags.FULL_REFRESH and table_exists(changed) -%}
    select distinct {{ columns | join(', ') }} from {{ changed if known else ref(model_name) }}
    {%- if not known %} where false{% endif %}
{%- endmacro %}

{#
  As `changes_of`, but only what stands in one of the two images: rows that were replaced by their equal are left
  out.
#}
{% macro differences_of(model_name, columns) -%}
    {%- set changed = changes_relation(ref(model_name)) -%}
    {%- set known = execute and not flags.FULL_REFRESH and table_exists(changed) -%}
    {%- if known -%}
    select {{ columns | join(', ') }} from {{ changed }}
    group by {{ columns | join(', ') }}
    having count(distinct _image) = 1
    {%- else -%}
    select {{ columns | join(', ') }} from {{ ref(model_name) }} where false
    {%- endif %}
{%- endmacro %}

{#
  ` and …` that keeps the rows of a relation that a law has to look at: in an incremental run those whose key, a list
  of columns, was changed by it, and those whose key holds a NULL. The rest stands as the laws found it before. All
  rows of what is not incremental, in a full build, in `dbt test`, and where all are asked for, once a week.
#}
{% macro and_changed(relation, key, alias) -%}
    {%- if execute and flags.WHICH == 'build' and not flags.FULL_REFRESH
        and env_var('AIPL_DBT_LAWS', 'all') == 'changed' and table_exists(changes_relation(relation)) -%}
    and (
        {{ in_relation(alias, changes_relation(relation), key) }}
        {%- for column in key %}
        or {{ alias }}.{{ column }} is null
        {%- endfor %}
    )
    {%- endif -%}
{%- endmacro %}

{# Whether a table stands in the warehouse now; unlike dbt's cache it sees what this run made by hand. #}
{% macro table_exists(relation) -%}
    {%- set found = run_query(
        "select count(*) from information_schema.tables where table_schema = '" ~ relation.schema
        ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}

{#
  In an incremental run: restricts staged rows to the files that changed since the last finished build. The
  load dates stand as constants beside the semi-join, so that unchanged Parquet files are skipped by their
  statistics.
#}
{% macro only_changed_files(source_id) -%}
    {%- if is_incremental() %}
        {%- set changed = ref('int_changed_files') %}
        {%- set dates = run_query('select distinct load_date from ' ~ changed ~ ' where load_date is not null and source_id = ' ~ source_id ~ ' order by 1').columns[0].values() %}
        and _load_date in (cast(null as date){% for date in dates %}, cast('{{ date }}' as date){% endfor %})
        and _file in (select c._file from {{ changed }} as c where c.source_id = {{ source_id }})
    {%- endif -%}
{%- endmacro %}
