-- Returns what leases of several workspaces need, in one statement and so from one moment: the
-- integrations that are there, each with its sealed secrets and its newest event that was a check or
-- set what a check is about. If they were read one after the other, a rotation in
-- between would part them. The workspace of each request is given with its id; the joins keep workspaces
-- apart.
CREATE OR REPLACE FUNCTION integrations.lease_material(workspaces text[], ids text[])
RETURNS TABLE (
    workspace_id text, id text, version bigint, type text, channel text, is_active boolean,
    sender_email text, sender_name text, sender_phone text, vapid_public_key text, settings jsonb,
    newest bytea, fields text[], versions integer[], keks text[], wrapped_keys bytea[],
    nonces bytea[], ciphertexts bytea[]
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT
        row.workspace_id, row.id, row.version, row.type, row.channel, row.is_active,
        row.sender_email, row.sender_name, row.sender_phone, row.vapid_public_key, row.settings,
        (
            SELECT event.envelope FROM integrations.events AS event
            WHERE event.workspace_id = row.workspace_id AND event.stream = row.id
                AND event.type || '' IN (
                    'CredentialsChecked', 'CredentialsReplaced', 'CredentialsDestroyed',
                    'SettingsChanged'
                )
            ORDER BY event.version DESC LIMIT 1
        ),
        secret.fields, secret.versions, secret.keks, secret.wrapped_keys, secret.nonces,
        secret.ciphertexts
    FROM (SELECT DISTINCT * FROM unnest(workspaces, ids)) AS wanted (workspace_id, id)
    JOIN integrations.integration_view AS row USING (workspace_id, id)
    CROSS JOIN LATERAL (
        SELECT
            coalesce(array_agg(s.field), '{}'), coalesce(array_agg(s.version), '{}'), coalesce(array_agg(s.kek), '{}'), coalesce(array_agg(s.wrapped_key), '{}'),
            coalesce(array_agg(s.nonce), '{}'), coalesce(array_agg(s.ciphertext), '{}')
        FROM integrations.secret_store AS s
        WHERE s.workspace_id = row.workspace_id AND s.stream = row.id
    ) AS secret (fields, versions, keks, wrapped_keys, nonces, ciphertexts);
END
$$;
