-- Keeps the first answers to requests with an idempotency key; one older than 24 h gives way.
-- IK001: a key was answered within 24 h.
CREATE OR REPLACE FUNCTION integrations.store_responses(answers jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept integer;
BEGIN
    INSERT INTO integrations.answers AS old (workspace_id, key, fingerprint, status, headers, body)
    SELECT
        workspace,
        answer ->> 'key',
        decode(answer ->> 'fingerprint', 'base64'),
        (answer ->> 'status')::smallint,
        answer -> 'headers',
        decode(answer ->> 'body', 'base64')
    FROM jsonb_to_recordset(answers) AS item (workspace text, answer jsonb)
    ON CONFLICT ON CONSTRAINT answers_key DO UPDATE SET
        fingerprint = excluded.fingerprint,
        status = excluded.status,
        headers = excluded.headers,
        body = excluded.body,
        answered_at = now()
    WHERE old.answered_at < now() - interval '24 hours';
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept < jsonb_array_length(answers) THEN
        RAISE EXCEPTION 'already answered' USING ERRCODE = 'IK001';
    END IF;
END
$$;
