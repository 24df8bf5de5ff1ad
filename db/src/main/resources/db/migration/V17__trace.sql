-- W3C traceparent of the span that submitted the run; what is done for it later belongs to the same trace
alter table run add column trace_parent text;
