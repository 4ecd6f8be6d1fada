-- Returns the numbers that the events of a workspace at some positions have in its history.
CREATE OR REPLACE FUNCTION integrations.sequences_at(workspace text, wanted bigint[])
RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT page * 64 + array_position(positions, event)
        FROM unnest(wanted) AS event, LATERAL (
            SELECT * FROM integrations.history_pages
            WHERE workspace_id = workspace AND last_position >= event
            ORDER BY last_position LIMIT 1
        ) AS bound
        UNION ALL
        SELECT sequence FROM integrations.history
        WHERE workspace_id = workspace AND sequence > integrations.bound_entries(workspace)
            AND position = ANY (wanted)
    );
END
$$;
