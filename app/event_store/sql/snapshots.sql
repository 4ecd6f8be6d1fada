-- Streams folded up to a version (app/event_store/snapshots.py), of each long one the newest, so that a
-- command costs the same however many events are before it. Made from the log and needed by nobody:
-- emptied, the next commands read from the first event and make them again.
CREATE TABLE integrations.snapshots (
    workspace_id text   NOT NULL,
    stream       text   NOT NULL,
    shape        text   NOT NULL,
    version      bigint NOT NULL,
    state        bytea  NOT NULL,
    CONSTRAINT snapshots_key PRIMARY KEY (workspace_id, stream)
);
