-- A negative control: an append as a bigserial would have it. Nobody waits for anybody, so a
-- position can be seen before a lower one, and one whose transaction fails is never filled.
SELECT integrations.lock_log();
CREATE SEQUENCE integrations.unlocked;
SELECT setval('integrations.unlocked', integrations.head());
GRANT USAGE ON SEQUENCE integrations.unlocked TO PUBLIC;
CREATE OR REPLACE FUNCTION integrations.append(events jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
    SELECT nextval('integrations.unlocked'), workspace, stream, version, type,
        convert_to(envelope, 'UTF8')
    FROM jsonb_to_recordset(events)
        AS event (workspace text, stream text, version bigint, type text, envelope text);
    PERFORM pg_sleep(random() * 0.02);
    RETURN currval('integrations.unlocked') - jsonb_array_length(events);
END
$$;
CREATE OR REPLACE FUNCTION integrations.lock_log() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
END
$$;
