-- Returns those of the integrations that requests of several workspaces ask for which are the default
-- of a channel. The workspace of each request is given with its id; the join keeps workspaces apart.
CREATE OR REPLACE FUNCTION integrations.chosen_integrations(workspaces text[], ids text[])
RETURNS TABLE (workspace_id text, id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT wanted.workspace_id, wanted.id FROM unnest(workspaces, ids) AS wanted (workspace_id, id)
    WHERE EXISTS (
        SELECT FROM integrations.channel_default_view AS chosen
        WHERE chosen.workspace_id = wanted.workspace_id AND chosen.integration_id = wanted.id
    );
END
$$;
