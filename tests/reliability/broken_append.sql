-- A negative control: an append as a bigserial would have it. Nobody waits for anybody, so a
-- position can be seen before a lower one, and one whose transaction fails is never filled.
SELECT integrations.lock_log();
CREATE SEQUENCE integrations.unlocked;
SELECT setval('integrations.unlocked', integrations.head());
GRANT USAGE ON SEQUENCE integrations.unlocked TO PUBLIC;
CREATE OR REPLACE FUNCTION integrations.append(events jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO integrations.events (
        position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
    )
    SELECT
        nextval('integrations.unlocked'), workspace, currval('integrations.unlocked'), stream,
        version, type, action, actor_id, at, convert_to(envelope, 'UTF8')
    FROM jsonb_to_recordset(events) AS event (
        workspace text, stream text, version bigint, type text, action text, actor_id text,
        at timestamptz, envelope text
    );
    PERFORM pg_sleep(random() * 0.02);
    RETURN currval('integrations.unlocked') - jsonb_array_length(events);
END
$$;
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
END
$$;
