-- Returns how many entries the history of a workspace has; its last one is always a loose leaf.
CREATE OR REPLACE FUNCTION integrations.history_length(workspace text) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((
        SELECT sequence FROM integrations.history
        WHERE workspace_id = workspace ORDER BY sequence DESC LIMIT 1
    ), 0);
END
$$;
