-- Returns the number of the last entry of a workspace up to which nothing happened after a moment.
CREATE OR REPLACE FUNCTION integrations.recorded_by(workspace text, moment timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    found bigint;
BEGIN
    -- In the first page that tells of something later, all that stands before that.
    SELECT page * 64 + (
        SELECT min(place) - 1 FROM unnest(times) WITH ORDINALITY AS entry (at, place)
        WHERE at > moment
    ) INTO found
    FROM integrations.history_pages
    WHERE workspace_id = workspace AND latest_at > moment ORDER BY latest_at, page LIMIT 1;
    IF found IS NULL THEN
        SELECT coalesce(max(sequence) FILTER (WHERE latest_at <= moment), min(sequence) - 1, 0)
        INTO found FROM integrations.history
        WHERE workspace_id = workspace AND sequence > integrations.bound_entries(workspace);
    END IF;
    RETURN found;
END
$$;
