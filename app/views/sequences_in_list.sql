-- Returns which entries of a workspace have some numbers among those of an action, of an actor, or
-- of both.
CREATE OR REPLACE FUNCTION integrations.sequences_in_list(
    workspace text, wanted_action text, wanted_actor text, numbers bigint[]
) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted_list text := integrations.name_of_list(wanted_action, wanted_actor);
    unlisted bigint[] := integrations.unlisted_entries(workspace, wanted_action, wanted_actor);
    listed bigint := coalesce((
        SELECT upto FROM integrations.history_lists
        WHERE workspace_id = workspace AND list = wanted_list ORDER BY upto DESC LIMIT 1
    ), 0);
BEGIN
    RETURN ARRAY(
        SELECT coalesce(unlisted[wanted.number - listed], (
            SELECT volume * 1024 + places[wanted.number - upto + cardinality(places)]
            FROM integrations.history_lists
            WHERE workspace_id = workspace AND list = wanted_list AND upto >= wanted.number
            ORDER BY upto LIMIT 1
        ))
        FROM unnest(numbers) AS wanted (number)
    );
END
$$;
