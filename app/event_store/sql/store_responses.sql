-- Stores the first responses to requests with an idempotency key; one that has expired is replaced.
-- IK001: a response is stored under a key, and has not expired.
CREATE OR REPLACE FUNCTION integrations.store_responses(responses jsonb)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    stored integer;
BEGIN
    INSERT INTO integrations.idempotent_responses AS old
        (workspace_id, key, fingerprint, status, headers, body)
    SELECT
        workspace,
        response ->> 'key',
        decode(response ->> 'fingerprint', 'base64'),
        (response ->> 'status')::smallint,
        response -> 'headers',
        decode(response ->> 'body', 'base64')
    FROM jsonb_to_recordset(responses) AS item (workspace text, response jsonb)
    ON CONFLICT ON CONSTRAINT idempotent_responses_key DO UPDATE SET
        fingerprint = excluded.fingerprint,
        status = excluded.status,
        headers = excluded.headers,
        body = excluded.body,
        stored_at = now()
    WHERE old.stored_at < integrations.response_expiry();
    GET DIAGNOSTICS stored = ROW_COUNT;
    IF stored < jsonb_array_length(responses) THEN
        RAISE EXCEPTION 'a response is stored' USING ERRCODE = 'IK001';
    END IF;
END
$$;
