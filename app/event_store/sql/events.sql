-- The event log: rows are appended by integrations.append alone and never change.
--
-- `envelope` is the event; the other columns repeat what it says, for the indexes. `sequence` counts
-- the events of a workspace from 1; so it says which leaf of the workspace's Merkle tree an event is.
CREATE TABLE integrations.events (
    position       bigint      NOT NULL,
    workspace_id   text        NOT NULL,
    sequence       bigint      NOT NULL,
    stream         text        NOT NULL,
    version        bigint      NOT NULL,
    type           text        NOT NULL,
    action         text        NOT NULL,
    actor_id       text        NOT NULL,
    at             timestamptz NOT NULL,
    envelope       bytea       NOT NULL,
    transaction_id xid8        NOT NULL DEFAULT pg_current_xact_id(),
    CONSTRAINT events_position PRIMARY KEY (position),
    CONSTRAINT events_version UNIQUE (workspace_id, stream, version),
    CONSTRAINT events_sequence UNIQUE (workspace_id, sequence)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02);
-- One index a filter of the history, each with what other filters need, so that what matches is counted
-- in the index alone (which is why the log is vacuumed often). `at` is not in the order of `sequence`:
-- an event that is decided first may be stored second.
CREATE INDEX events_actor ON integrations.events (workspace_id, actor_id, sequence)
    INCLUDE (action, at);
CREATE INDEX events_action ON integrations.events (workspace_id, action, sequence) INCLUDE (at);
CREATE INDEX events_at ON integrations.events (workspace_id, at, sequence);
-- For the newest check of many integrations at once, however many other events each has.
CREATE INDEX events_check ON integrations.events (workspace_id, stream, version)
    WHERE action IN ('CREDENTIALS_CHECKED', 'INTEGRATION_REMOVED');

CREATE FUNCTION integrations.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_never_change BEFORE UPDATE OR DELETE ON integrations.events
    FOR EACH ROW EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER events_never_go BEFORE TRUNCATE ON integrations.events
    FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();

-- The log by the names that the recorders of the library eventsourcing read.
CREATE VIEW integrations.recorder_events WITH (security_invoker = true) AS
SELECT
    workspace_id || '/' || stream AS originator_id,
    version AS originator_version,
    type AS topic,
    envelope AS state,
    position AS notification_id,
    workspace_id,
    stream
FROM integrations.events;
