-- Returns the integrations of the workspace in app.workspace whose search text is like a pattern.
-- Behind a wall LIKE may use no index, as it could tell of rows that the wall hides; in here the
-- wall is a condition like others. Each pattern is planned for: rare text by its index.
CREATE OR REPLACE FUNCTION integrations.search(pattern text)
RETURNS TABLE (
    workspace_id text, id text, version bigint, name text, type text, channel text,
    is_active boolean, sender_email text, sender_name text, sender_phone text,
    vapid_public_key text, created_at timestamptz, updated_at timestamptz, name_key text,
    search_text text
) LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    workspace text := current_setting('app.workspace', true);
BEGIN
    RETURN QUERY
    SELECT
        workspace_id, id, version, name, type, channel, is_active, sender_email, sender_name,
        sender_phone, vapid_public_key, created_at, updated_at, name_key, search_text
    FROM integrations.integration_view
    WHERE workspace_id = workspace AND search_text LIKE pattern;
END
$$;
