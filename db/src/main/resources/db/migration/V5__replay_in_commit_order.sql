-- Ids of run_event are given out before the commit, so a row may become visible after one with a larger id. Each row
-- therefore says which transaction wrote it, and from which transaction on it could not be told, when the row was
-- written, whether they would commit. What a reader of this row may not have seen is: larger ids, and rows of
-- transactions from seen_from on.
alter table run_event
    add column xid       xid8 not null default '3',                                            -- smallest there is
    add column seen_from xid8 not null default pg_snapshot_xmin(pg_current_snapshot());
alter table run_event alter column xid set default pg_current_xact_id();
create index run_event_by_xid on run_event (xid);
