-- A negative control: an append as a bigserial would have it. Nobody waits for anybody, so a
-- position can be seen before a lower one, and one whose transaction fails is never filled.
SELECT integrations.lock_log();
CREATE SEQUENCE integrations.unlocked;
SELECT setval('integrations.unlocked', integrations.head());
GRANT USAGE ON SEQUENCE integrations.unlocked TO PUBLIC;
CREATE OR REPLACE FUNCTION integrations.append(
    workspaces text[], streams text[], versions bigint[], types text[], envelopes bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
    SELECT nextval('integrations.unlocked'), item.workspace, item.stream, item.version, item.type,
        item.envelope
    FROM unnest(workspaces, streams, versions, types, envelopes) AS item (workspace, stream, version, type, envelope)
    RETURNING position;
    PERFORM pg_sleep(random() * 0.02);
END
$$;
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
END
$$;
