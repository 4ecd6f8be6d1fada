-- Records what one command led to, all or nothing: its answer under its idempotency key, its
-- events (consecutive versions of one stream), the rows of views and journals that follow from
-- them, new sealed secrets in place of older ones, and, with shred, the end of all secrets of the
-- stream.
-- Returns the positions of the events.
-- IK001: a request with the idempotency key was answered within 24 h; IK002: one runs just now.
CREATE OR REPLACE FUNCTION integrations.record(
    workspace text, stream text, first_version bigint, types text[], envelopes bytea[],
    view_rows jsonb, journal_entries jsonb, shred boolean,
    secret_fields text[], secret_versions integer[], secret_keks text[],
    secret_wrapped_keys bytea[], secret_nonces bytea[], secret_ciphertexts bytea[],
    answer_key text, answer_fingerprint bytea, answer_status smallint,
    answer_headers jsonb, answer_body bytea
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    amount integer := cardinality(types);
    positions bigint[];
BEGIN
    IF answer_key IS NOT NULL THEN
        PERFORM integrations.remember_answer(
            workspace, answer_key, answer_fingerprint, answer_status, answer_headers, answer_body
        );
    END IF;
    IF amount = 0 THEN
        RETURN;
    END IF;
    positions := ARRAY(SELECT integrations.append(
        array_fill(workspace, ARRAY[amount]),
        array_fill(stream, ARRAY[amount]),
        ARRAY(SELECT generate_series(first_version, first_version + amount - 1)),
        types,
        envelopes
    ));
    PERFORM integrations.write_integration_view(workspace, stream, view_rows -> 'integration_view');
    PERFORM integrations.write_history(workspace, positions[1], journal_entries -> 'history');
    IF shred OR cardinality(secret_fields) > 0 THEN
        DELETE FROM integrations.secret_store s
        WHERE s.workspace_id = workspace AND s.stream = record.stream
            AND (shred OR s.field = ANY (secret_fields));
    END IF;
    IF cardinality(secret_fields) > 0 THEN
        INSERT INTO integrations.secret_store
            (workspace_id, stream, field, version, kek, wrapped_key, nonce, ciphertext)
        SELECT workspace, record.stream, secret.*
        FROM unnest(
            secret_fields, secret_versions, secret_keks,
            secret_wrapped_keys, secret_nonces, secret_ciphertexts
        ) AS secret;
    END IF;
    RETURN QUERY SELECT unnest(positions);
END
$$;
