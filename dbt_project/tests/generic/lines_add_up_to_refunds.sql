{#
  Law of refund lines: those of a refund, refund document or adjustment add up to its amount, to the last digit.
  arguments: refunds, orders.
#}
{% test lines_add_up_to_refunds(model, refunds, orders) %}
with documents as (
    select source_id, refund_id, 'refund' as document_kind, amount
    from {{ refunds }}
    where is_current

    union all

    select
        source_id,
        order_id as refund_id,
        case document_kind when 'refund' then 'refund_document' else document_kind end as document_kind,
        case document_kind when 'refund' then abs(amount) else amount end as amount
    from {{ orders }}
    where document_kind <> 'order'
),

totals as (
    select source_id, refund_id, document_kind, sum(amount) as of_lines
    from {{ model }}
    group by source_id, refund_id, document_kind
)

select documents.*, totals.of_lines
from documents
full outer join totals on {{ join_on('documents', 'totals', ['source_id', 'refund_id', 'document_kind']) }}
where
    documents.refund_id is null
    or totals.refund_id is null
    or documents.amount is distinct from totals.of_lines
{% endtest %}
