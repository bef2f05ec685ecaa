{{ config(materialized='view') }}

select * from {{ ref('int_member_history') }}
