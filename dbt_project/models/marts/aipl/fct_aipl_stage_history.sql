{{ config(materialized='view') }}

select * from {{ ref('int_stage_history') }}
