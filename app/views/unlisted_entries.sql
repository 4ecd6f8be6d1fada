-- Returns the numbers of a workspace's entries of an action, of an actor, or of both, that stand
-- after its last full volume: they are in no list yet. There are few, as a volume has 1,024 entries.
CREATE OR REPLACE FUNCTION integrations.unlisted_entries(
    workspace text, wanted_action text, wanted_actor text
) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT page * 64 + place
        FROM integrations.history_pages, unnest(array_positions(
            CASE WHEN wanted_actor IS NULL THEN actions ELSE actors END,
            coalesce(wanted_actor, wanted_action)
        )) AS place
        WHERE workspace_id = workspace
            AND page >= (integrations.history_length(workspace) - 1) / 1024 * 16
            AND (wanted_action IS NULL OR actions[place] = wanted_action)
        UNION ALL
        SELECT sequence FROM integrations.history
        WHERE workspace_id = workspace AND sequence > integrations.bound_entries(workspace)
            AND (wanted_action IS NULL OR action = wanted_action)
            AND (wanted_actor IS NULL OR actor_id = wanted_actor)
        ORDER BY 1
    );
END
$$;
