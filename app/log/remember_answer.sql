-- Keeps the first answer to a request with an idempotency key; an answer older than 24 h gives way.
CREATE OR REPLACE FUNCTION integrations.remember_answer(
    workspace text, answer_key text, fingerprint bytea, status smallint, headers jsonb, body bytea
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('lock_timeout', '2s', true);
    INSERT INTO integrations.answers AS kept (workspace_id, key, fingerprint, status, headers, body)
    VALUES (workspace, answer_key, fingerprint, status, headers, body)
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
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'still running' USING ERRCODE = 'IK002';
END
$$;
