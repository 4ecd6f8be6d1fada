-- Puts sealed secrets in place of older versions of their fields; with shred, destroys all of the
-- stream's first. Binary columns come as base64. A secret that was sealed under a key that has been
-- closed since is refused (the request is repeated, and sealed under another).
CREATE OR REPLACE FUNCTION integrations.write_secrets(
    workspace text, integration text, sealed jsonb, shred boolean
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT shred AND jsonb_array_length(sealed) = 0 THEN
        RETURN;
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_array_elements(sealed) AS secret
        JOIN integrations.closed_keks AS closed ON closed.kek = secret ->> 'kek'
    ) THEN
        RAISE EXCEPTION 'the key was closed' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    DELETE FROM integrations.secret_store s
    WHERE s.workspace_id = workspace AND s.stream = integration
        AND (shred OR s.field IN (SELECT secret ->> 'field' FROM jsonb_array_elements(sealed) AS secret));
    INSERT INTO integrations.secret_store
        (workspace_id, stream, field, version, kek, wrapped_key, nonce, ciphertext)
    SELECT
        workspace, integration, secret ->> 'field', (secret ->> 'version')::integer, secret ->> 'kek',
        decode(secret ->> 'wrapped_key', 'base64'),
        decode(secret ->> 'nonce', 'base64'),
        decode(secret ->> 'ciphertext', 'base64')
    FROM jsonb_array_elements(sealed) AS secret;
END
$$;
