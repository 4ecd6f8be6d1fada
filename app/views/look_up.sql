-- Returns the integrations that requests of several workspaces wait for, those that are there.
-- Whose each is supposed to be is said for each; the wall is the join.
CREATE OR REPLACE FUNCTION integrations.look_up(workspaces text[], ids text[])
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
    FROM unnest(workspaces, ids) AS wanted (workspace_id, id)
    JOIN integrations.integration_view USING (workspace_id, id);
END
$$;
