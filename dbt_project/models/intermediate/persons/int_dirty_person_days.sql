{{ changes_of('int_key_days', ['brand_id', 'person_id', 'touch_date']) }}
