-- Puts the sealed secrets of each write in place of older versions of their fields; with shred,
-- destroys all of the stream's first. Binary columns come as base64. A secret that was sealed under
-- a key that has been closed since is refused (the request is repeated, and sealed under another).
CREATE OR REPLACE FUNCTION integrations.write_secrets(writes jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM integrations.secret_store AS old
    USING jsonb_to_recordset(writes)
        AS write (workspace text, stream text, after bigint, sealed jsonb, shred boolean)
    WHERE write.after > 0 AND old.workspace_id = write.workspace AND old.stream = write.stream AND (
        write.shred OR old.field IN (
            SELECT secret ->> 'field' FROM jsonb_array_elements(write.sealed) AS secret
        )
    );
    INSERT INTO integrations.secret_store
        (workspace_id, stream, field, version, kek, wrapped_key, nonce, ciphertext)
    SELECT
        write ->> 'workspace', write ->> 'stream',
        secret ->> 'field', (secret ->> 'version')::integer, secret ->> 'kek',
        decode(secret ->> 'wrapped_key', 'base64'),
        decode(secret ->> 'nonce', 'base64'),
        decode(secret ->> 'ciphertext', 'base64')
    FROM jsonb_array_elements(writes) AS write, jsonb_array_elements(write -> 'sealed') AS secret;
    IF FOUND AND EXISTS (
        SELECT FROM integrations.closed_keks AS closed WHERE closed.kek IN (
            SELECT secret ->> 'kek'
            FROM jsonb_array_elements(writes) AS write, jsonb_array_elements(write -> 'sealed') AS secret
        )
    ) THEN
        RAISE EXCEPTION 'the key was closed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
