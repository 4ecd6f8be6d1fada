-- Counts the integrations of the view again; for a rebuild, in the transaction of its switch.
CREATE OR REPLACE FUNCTION integrations.recount() RETURNS void LANGUAGE sql AS $$
    DELETE FROM integrations.integration_counts;
    INSERT INTO integrations.integration_counts (workspace_id, type, is_active, amount)
    SELECT workspace_id, type, is_active, count(*) FROM integrations.integration_view
    GROUP BY workspace_id, type, is_active
$$;
