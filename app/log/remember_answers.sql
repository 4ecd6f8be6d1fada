-- Keeps the first answers to requests with an idempotency key; one older than 24 h gives way.
-- IK001: a key was answered within 24 h.
CREATE OR REPLACE FUNCTION integrations.remember_answers(writes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given integer;
    kept integer;
BEGIN
    SELECT count(*) INTO given FROM jsonb_array_elements(writes) AS write
    WHERE jsonb_typeof(write -> 'answer') = 'object';
    IF given = 0 THEN
        RETURN;
    END IF;
    INSERT INTO integrations.answers AS old (workspace_id, key, fingerprint, status, headers, body)
    SELECT
        write ->> 'workspace',
        write -> 'answer' ->> 'key',
        decode(write -> 'answer' ->> 'fingerprint', 'base64'),
        (write -> 'answer' ->> 'status')::smallint,
        write -> 'answer' -> 'headers',
        decode(write -> 'answer' ->> 'body', 'base64')
    FROM jsonb_array_elements(writes) AS write
    WHERE jsonb_typeof(write -> 'answer') = 'object'
    ON CONFLICT ON CONSTRAINT answers_key DO UPDATE SET
        fingerprint = excluded.fingerprint,
        status = excluded.status,
        headers = excluded.headers,
        body = excluded.body,
        answered_at = now()
    WHERE old.answered_at < now() - interval '24 hours';
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept < given THEN
        RAISE EXCEPTION 'already answered' USING ERRCODE = 'IK001';
    END IF;
END
$$;
