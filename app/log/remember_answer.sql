-- Keeps the first answer to a request with an idempotency key; an answer older than 24 h gives way.
-- IK001: the key was answered within 24 h.
CREATE OR REPLACE FUNCTION integrations.remember_answer(workspace text, answer jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO integrations.answers AS kept (workspace_id, key, fingerprint, status, headers, body)
    VALUES (
        workspace,
        answer ->> 'key',
        decode(answer ->> 'fingerprint', 'base64'),
        (answer ->> 'status')::smallint,
        answer -> 'headers',
        decode(answer ->> 'body', 'base64')
    )
    ON CONFLICT ON CONSTRAINT answers_key DO UPDATE SET
        fingerprint = excluded.fingerprint,
        status = excluded.status,
        headers = excluded.headers,
        body = excluded.body,
        answered_at = now()
    WHERE kept.answered_at < now() - interval '24 hours';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'already answered' USING ERRCODE = 'IK001';
    END IF;
END
$$;
