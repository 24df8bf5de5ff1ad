-- A stored answer is repeated as it was sent: jsonb would reorder its fields and rewrite its numbers.
alter table idempotency alter column body type text using body::text;
