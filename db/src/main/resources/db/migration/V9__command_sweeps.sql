-- A sweep of commands trains on whatever its program reads: it names no dataset of ours.

alter table sweep alter column dataset_id drop not null;

-- The order of its parameters names its runs and says which range is drawn by which sequence; jsonb would sort them.
alter table sweep alter column spec type json using spec::json;
