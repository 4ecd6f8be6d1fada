-- The access journal: one record a minute of who asked for the credentials of which integration, and
-- what came of it. Rows are added by integrations.record_accesses alone, never change, and go by
-- integrations.delete_old_accesses when they are older than the retention. `envelope` is the record;
-- the other columns repeat what it says, for the indexes.
CREATE TABLE integrations.accesses (
    position     bigint      NOT NULL,
    workspace_id text        NOT NULL,
    stream       text        NOT NULL,
    grant_key    bytea       NOT NULL,
    minute       timestamptz NOT NULL,
    actor_id     text        NOT NULL,
    envelope     bytea       NOT NULL,
    CONSTRAINT accesses_position PRIMARY KEY (position),
    CONSTRAINT accesses_once UNIQUE (workspace_id, grant_key, minute)
);
CREATE INDEX accesses_stream ON integrations.accesses (workspace_id, stream, position);
CREATE INDEX accesses_actor ON integrations.accesses (workspace_id, actor_id, position);
CREATE INDEX accesses_minute ON integrations.accesses (minute);

-- Nobody, not even the owner, deletes what is younger than a month.
CREATE TRIGGER accesses_never_change BEFORE UPDATE ON integrations.accesses
    FOR EACH ROW EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER accesses_stay_a_month BEFORE DELETE ON integrations.accesses
    FOR EACH ROW WHEN (OLD.minute > now() - interval '1 month')
    EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER accesses_never_go BEFORE TRUNCATE ON integrations.accesses
    FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();
