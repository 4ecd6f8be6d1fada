-- Returns what leases of several workspaces need, in one statement and so from one moment: the
-- integrations that are there, each with its sealed secrets and its newest event that was a check or
-- set what a check is about. If they were read one after the other, a rotation in
-- between would part them. The workspace of each request is given with its id; the joins keep workspaces
-- apart.
--
-- An id is an integration's, or that of a channel's default, in whose place the chosen integration
-- stands; a chosen one that is deleted is one that is switched off, of version 0 and without secrets.
CREATE OR REPLACE FUNCTION integrations.lease_material(workspaces text[], ids text[])
RETURNS TABLE (
    workspace_id text, id text, version bigint, type text, channel text, is_active boolean,
    sender_email text, sender_name text, sender_phone text, vapid_public_key text, settings jsonb,
    newest bytea, fields text[], versions integer[], keks text[], wrapped_keys bytea[],
    nonces bytea[], ciphertexts bytea[], requested text
)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT
        wanted.workspace_id, coalesce(row.id, chosen.integration_id), coalesce(row.version, 0),
        row.type, row.channel, coalesce(row.is_active, false),
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
        secret.ciphertexts, wanted.id
    FROM (SELECT DISTINCT * FROM unnest(workspaces, ids)) AS wanted (workspace_id, id)
    LEFT JOIN integrations.channel_default_view AS chosen USING (workspace_id, id)
    LEFT JOIN integrations.integration_view AS row
        ON row.workspace_id = wanted.workspace_id
        AND row.id = coalesce(chosen.integration_id, wanted.id)
    CROSS JOIN LATERAL (
        SELECT
            coalesce(array_agg(s.field), '{}'), coalesce(array_agg(s.version), '{}'), coalesce(array_agg(s.kek), '{}'), coalesce(array_agg(s.wrapped_key), '{}'),
            coalesce(array_agg(s.nonce), '{}'), coalesce(array_agg(s.ciphertext), '{}')
        FROM integrations.secret_store AS s
        WHERE s.workspace_id = row.workspace_id AND s.stream = row.id
    ) AS secret (fields, versions, keks, wrapped_keys, nonces, ciphertexts)
    WHERE row.id IS NOT NULL OR chosen.id IS NOT NULL;
END
$$;
