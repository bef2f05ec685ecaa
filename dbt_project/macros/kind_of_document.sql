{# How a money document that is no order is called among refunds. #}
{% macro kind_of_document(document_kind='document_kind') -%}
    case {{ document_kind }} when 'refund' then 'refund_document' else {{ document_kind }} end
{%- endmacro %}
