-- Ends stored secrets, those of some fields of a stream or all of it, and stores sealed ones, whose
-- binary columns come as base64. A secret that was sealed under a key that has been closed since is
-- refused (the request is repeated, and sealed under another). A part that is null is none.
CREATE OR REPLACE FUNCTION integrations.write_secrets(ended jsonb, sealed jsonb)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF ended IS NOT NULL THEN
        DELETE FROM integrations.secret_store AS old
        USING jsonb_to_recordset(ended) AS item (workspace text, stream text, fields text[])
        WHERE old.workspace_id = item.workspace AND old.stream = item.stream
            AND (item.fields IS NULL OR old.field = ANY (item.fields));
    END IF;
    IF sealed IS NOT NULL THEN
        INSERT INTO integrations.secret_store
            (workspace_id, stream, field, version, kek, wrapped_key, nonce, ciphertext)
        SELECT
            workspace, stream, field, version, kek, decode(wrapped_key, 'base64'),
            decode(nonce, 'base64'), decode(ciphertext, 'base64')
        FROM jsonb_to_recordset(sealed) AS item (workspace text, stream text, sealed jsonb),
            jsonb_to_recordset(item.sealed) AS secret (
                field text, version integer, kek text, wrapped_key text, nonce text,
                ciphertext text
            );
        IF EXISTS (
            SELECT FROM integrations.closed_keks
            WHERE kek IN (
                SELECT secret ->> 'kek'
                FROM jsonb_array_elements(sealed) AS item,
                    jsonb_array_elements(item -> 'sealed') AS secret
            )
        ) THEN
            RAISE EXCEPTION 'the key was closed'
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    END IF;
END
$$;
