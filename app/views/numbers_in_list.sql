-- Returns, for each of some entries of a workspace, how many entries of an action, of an actor, or
-- of both stand up to it: by the list of its volume, or where that is not full yet, one by one.
CREATE OR REPLACE FUNCTION integrations.numbers_in_list(
    workspace text, wanted_action text, wanted_actor text, sequences bigint[]
) RETURNS bigint[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted_list text := integrations.name_of_list(wanted_action, wanted_actor);
    unlisted bigint[] := integrations.unlisted_entries(workspace, wanted_action, wanted_actor);
BEGIN
    RETURN ARRAY(
        SELECT coalesce((
            SELECT CASE
                WHEN volume < (wanted.sequence - 1) / 1024 THEN upto
                ELSE upto - cardinality(places) + width_bucket(
                    ((wanted.sequence - 1) % 1024 + 1)::smallint, places
                )
            END
            FROM integrations.history_lists
            WHERE workspace_id = workspace AND list = wanted_list
                AND volume <= (wanted.sequence - 1) / 1024
            ORDER BY volume DESC LIMIT 1
        ), 0) + width_bucket(wanted.sequence, unlisted)
        FROM unnest(sequences) WITH ORDINALITY AS wanted (sequence, ordinality)
        ORDER BY wanted.ordinality
    );
END
$$;
