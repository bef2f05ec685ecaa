{# SQL type of a canonical column with this role. #}
{% macro role_type(role) -%}
    {%- set text = dbt.type_string() -%}
    {{ return({
        'person': text, 'document': text, 'brand': text, 'product': text, 'text': text, 'currency': text,
        'money': 'decimal(18, 4)', 'refund': 'decimal(18, 4)', 'quantity': 'decimal(18, 4)',
        'whole': 'integer', 'stars': 'integer', 'flag': 'boolean',
        'moment': 'timestamp', 'day': 'date', 'any_moment': 'timestamp', 'any_day': 'date',
    }.get(role, text)) }}
{%- endmacro %}

{#
  How a column is read by its role: `read`, an expression over the delivered value `raw`; then, over that
  (under the name of the column) and the delivered value (`raw_<column>`), the `value`, the `problems` as
  (condition, reason), and what was `changed` as (condition, kind of change) or, where the value is told, as
  (condition, kind of change, value). `mark` is the decimal mark.
#}
{% macro read_by_role(column, role, source_id, raw, mark=none) -%}
    {%- set name = column | replace('_', ' ') -%}
    {%- set text = 'cast(' ~ raw ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {%- set delivered = 'cast(raw_' ~ column ~ ' as ' ~ dbt.type_string() ~ ')' -%}
    {%- set kinds = {'timestamp': 'time', 'date': 'date', 'boolean': 'yes or no'} -%}
    {%- set kind = kinds.get(role_type(role), 'number') -%}
    {%- set reading = {'read': text, 'value': column, 'problems': [], 'changed': []} -%}
    {%- if role in ('person', 'document', 'brand', 'product') -%}
        {%- set words = placeholders(source_id) -%}
        {%- set read = clean_id(text) -%}
        {%- if source_setting(source_id, 'id_case') == 'lower' and role != 'brand' -%}
            {%- set read = 'lower(' ~ read ~ ')' -%}
            {%- set delivered = 'lower(' ~ delivered ~ ')' -%}
        {%- endif -%}
        {%- set is_id = column ~ " <> '' and lower(" ~ column ~ ') not in (' ~ words ~ ')' -%}
        {%- set id = 'case when ' ~ is_id ~ ' then ' ~ column ~ ' end' -%}
        {%- if role == 'brand' -%}
            {%- set id = 'coalesce(' ~ id ~ ', ' ~ unbranded("'" ~ source_id ~ "'") ~ ')' -%}
        {%- endif -%}
        {%- do reading.update({
            'read': read,
            'value': id,
            'problems': [(is_scientific(column), name ~ ' in scientific notation: its digits are lost')],
            'changed': [
                (column ~ " <> '' and not (" ~ is_id ~ ')', 'placeholder'),
                (column ~ ' <> ' ~ delivered, 'spelling'),
            ],
        }) -%}
    {%- elif role == 'currency' -%}
        {%- do reading.update({
            'read': currency_code(text, source_id),
            'problems': [('not ' ~ is_currency_code(column), 'currency that is not a code of ISO 4217')],
            'changed': [(column ~ ' <> ' ~ delivered, 'spelling')],
        }) -%}
    {%- elif role in vocabularies() -%}
        {%- set words = vocabularies()[role] -%}
        {%- set listed = column ~ " in ('" ~ words.known | join("', '") ~ "')" -%}
        {%- set is_word = column ~ " <> '' and " ~ column ~ ' not in (' ~ placeholders(source_id) ~ ')' -%}
        {%- do reading.update({
            'read': 'lower(' ~ clean_id(text) ~ ')',
            'value': 'case when ' ~ listed ~ ' then ' ~ column ~ ' when ' ~ is_word ~ " then '" ~ words.else
                ~ "' end",
            'changed': [('not ' ~ listed ~ ' and ' ~ is_word, 'unknown', column)],
        }) -%}
    {%- elif role != 'text' -%}
        {%- do reading.update({
            'read': safe_cast(
                plain_number(raw, mark) if mark and is_number(role_type(role)) else raw, role_type(role),
                wide=false
            ),
            'problems': [
                (
                    'case when ' ~ column ~ ' is null then ' ~ delivered ~ " <> '' end",
                    name ~ ' that is not a ' ~ kind
                )
            ],
        }) -%}
    {%- endif -%}
    {%- if role in ('money', 'refund', 'quantity') and column != 'gmv' -%}
        {#- Sums of the marts hold a hundred such rows; the target of a year may be as large. -#}
        {%- set beyond = 'abs(' ~ column ~ ') >= 1000000000000' -%}
        {%- do reading.problems.append((beyond, name ~ ' of a trillion or more')) -%}
    {%- endif -%}
    {%- if role == 'stars' -%}
        {%- set beyond = 'not ' ~ column ~ ' between 1 and 5' -%}
        {%- do reading.problems.append((beyond, name ~ ' that is not 1 to 5')) -%}
    {%- elif role == 'day' -%}
        {%- do reading.problems.append((is_future(column), 'time in the future')) -%}
    {%- elif role == 'moment' -%}
        {#- In UTC, which may be a day off. -#}
        {%- set beyond = column ~ ' >= ' ~ add_days('_load_date', 3) -%}
        {%- do reading.problems.append((beyond, 'time in the future')) -%}
    {%- endif -%}
    {%- if role == 'refund' -%}
        {%- do reading.update({'value': 'abs(' ~ column ~ ')', 'changed': [(column ~ ' < 0', 'sign')]}) -%}
    {%- endif -%}
    {{ return(reading) }}
{%- endmacro %}

{#
  An id without what exports add to it: blanks around it, invisible characters, the guards of spreadsheets
  (`="1"`, `'1`, a tab) and the `.0` of a number read as a float.
#}
{% macro clean_id(text) -%}
    {{ return(adapter.dispatch('clean_id')(text)) }}
{%- endmacro %}

{% macro duckdb__clean_id(text) -%}
    case
        -- Nothing to clean: printable ASCII without quotes, dots and blanks around it.
        when regexp_full_match({{ text }}, '[!#-&(-\-/-~]([ !#-&(-\-/-~]*[!#-&(-\-/-~])?') then {{ text }}
        else
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace({{ text }}, '[\p{Cf}\p{Cc}]', '', 'g'),
                        '^\p{Z}*(?:="([^"]*)"|"([^"]*)"|''?(.*?))\p{Z}*$', '\1\2\3'
                    ),
                    '^\p{Z}*(.*?)\p{Z}*$', '\1'
                ),
                '^([0-9]+)\.0+$', '\1'
            )
    end
{%- endmacro %}

{# Words that exports write where there is no id, quoted: `placeholders` of the project and the source. #}
{% macro placeholders(source_id) -%}
    {%- set own = source_setting(source_id, 'placeholders') or {} -%}
    {%- for word in var('placeholders') + own.get('add', []) if word not in own.get('remove', []) -%}
        {{ text_literal(word | lower) }}{{ ', ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{# Digits that a spreadsheet has rounded away. Hashes may look like `5e12`, but have no sign. #}
{% macro is_scientific(id) -%}
    {{ return(adapter.dispatch('is_scientific')(id)) }}
{%- endmacro %}

{% macro duckdb__is_scientific(id) -%}
    regexp_full_match({{ id }}, '[0-9](\.[0-9]+)?[eE]\+[0-9]+')
{%- endmacro %}

{# Code of ISO 4217 of a currency in any spelling that the project or the source lists, else in capitals. #}
{% macro currency_code(text, source_id) -%}
    {%- set capitals = 'upper(' ~ clean_id(text) ~ ')' -%}
    case {{ capitals }}
    {%- set own = source_setting(source_id, 'currencies') or {} -%}
    {%- for spelling, code in dict(var('currencies'), **own).items() %}
        when '{{ spelling | upper }}' then '{{ code }}'
    {%- endfor %}
        else nullif({{ capitals }}, '')
    end
{%- endmacro %}

{% macro is_currency_code(code) -%}
    {{ return(adapter.dispatch('is_currency_code')(code)) }}
{%- endmacro %}

{% macro duckdb__is_currency_code(code) -%}
    regexp_full_match({{ code }}, '[A-Z]{3}')
{%- endmacro %}

{#
  What was changed in a row, such as `member_id placeholder, device unknown: toaster`; NULL for nearly all rows.
  Of a value no more is told than a word has, and no comma.
#}
{% macro changes_of_row(changes) -%}
    {%- if changes -%}
    nullif(concat_ws(
        ', '
        {%- for change in changes %},
        case
            when {{ change[0] }} then '{{ change[1] }}'
            {%- if change | length > 2 %} || ': ' || replace(substr({{ change[2] }}, 1, 40), ',', ' '){% endif %}
        end
        {%- endfor %}
    ), '')
    {%- else -%}
    cast(null as {{ dbt.type_string() }})
    {%- endif -%}
{%- endmacro %}

{#
  In `readings`, makes the id of each document under `keys` of the source of all its columns. No id holds the
  character between them: `clean_id` removes it. Returns what is said of each row of a staging model that
  lacks a column, as `changed` of a reading: its id finds no other of the document.
#}
{% macro join_keys(readings, source_id, supplied) -%}
    {%- set changes = [] -%}
    {%- for document, columns in (source_setting(source_id, 'keys') or {}).items() if document in readings -%}
        {%- set parts = [readings[document].value] -%}
        {%- for column in columns if column != document -%}
            {%- if column not in readings and (supplied is none or column in supplied) -%}
                {%- set reading = read_by_role(column, 'document', source_id, 'staged_rows.' ~ column) -%}
                {%- do readings.update({column: reading}) -%}
            {%- endif -%}
            {%- if column in readings -%}
                {%- set part = 'cast(' ~ readings[column].value ~ ' as ' ~ dbt.type_string() ~ ')' -%}
                {%- do parts.append('coalesce(' ~ part ~ ", '')") -%}
            {%- else -%}
                {%- do changes.append((document ~ ' is not null', document ~ ' without ' ~ column)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do readings[document].update({'value': parts | join(' || chr(31) || ')}) -%}
    {%- endfor -%}
    {{ return(changes) }}
{%- endmacro %}

{#
  Words that a column may hold, by role, and the word that stands for one that is not known: the row stays, and
  the summary counts what was read as something else.
#}
{% macro vocabularies() -%}
    {{ return({
        'page_class': {
            'known': ['home', 'category', 'search', 'product', 'activity', 'content', 'cart', 'checkout', 'paid',
                      'member', 'other'],
            'else': 'other',
        },
        'device': {'known': ['app', 'mobile_web', 'desktop', 'other'], 'else': 'other'},
        'line_kind': {'known': ['goods', 'freight', 'fee'], 'else': 'goods'},
        'reason_kind': {
            'known': ['unwanted', 'quality', 'missing', 'dispute', 'goodwill', 'other'], 'else': 'other',
        },
        'campaign_kind': {'known': ['sale', 'club', 'coupon', 'content', 'other'], 'else': 'other'},
    }) }}
{%- endmacro %}
