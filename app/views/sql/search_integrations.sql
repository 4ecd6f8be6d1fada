-- Returns the integrations of the workspace in app.workspace whose search text is like any of patterns.
-- Under row-level security LIKE may use no index, as it could reveal rows that the policy hides; in
-- here the workspace is a condition like others. Each pattern is planned for: rare text by its index.
CREATE OR REPLACE FUNCTION integrations.search_integrations(patterns text[])
RETURNS SETOF integrations.integration_row
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    workspace text := current_setting('app.workspace', true);
BEGIN
    RETURN QUERY
    SELECT * FROM integrations.integration_view
    WHERE workspace_id = workspace AND search_text LIKE ANY (patterns);
END
$$;
