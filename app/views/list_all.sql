-- Returns all integrations of the workspaces that wait together, each workspace's oldest first.
CREATE OR REPLACE FUNCTION integrations.list_all(workspaces text[])
RETURNS TABLE (
    workspace_id text, id text, version bigint, name text, type text, channel text,
    is_active boolean, sender_email text, sender_name text, sender_phone text,
    vapid_public_key text, created_at timestamptz, updated_at timestamptz, name_key text,
    search_text text
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
        sender_phone, vapid_public_key, created_at, updated_at, name_key, search_text
    FROM integrations.integration_view WHERE workspace_id = ANY (workspaces)
    ORDER BY workspace_id, created_at, id;
END
$$;
