-- Returns the entries of a workspace that have some numbers, newest first. Of each page one piece is
-- read, from the first of these entries to the last.
CREATE OR REPLACE FUNCTION integrations.entries_at(workspace text, sequences bigint[])
RETURNS TABLE ("position" bigint, entry bytea) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT
        positions[place],
        substr(piece, coalesce(ends[place - 1], 0) - start + 1, ends[place] - coalesce(ends[place - 1], 0))
    FROM (
        SELECT positions, ends, places, start, substr(entries, start + 1, ends[last] - start) AS piece
        FROM (
            SELECT
                (sequence - 1) / 64 AS number, array_agg(((sequence - 1) % 64 + 1)::integer) AS places,
                min((sequence - 1) % 64 + 1) AS first, max((sequence - 1) % 64 + 1) AS last
            FROM unnest(sequences) AS sequence GROUP BY 1
        ) AS wanted,
            LATERAL (
                SELECT * FROM integrations.history_pages
                WHERE workspace_id = workspace AND page = wanted.number LIMIT 1
            ) AS bound,
            LATERAL (SELECT coalesce(ends[first - 1], 0) AS start) AS begun
        OFFSET 0 -- each piece once, not for each of its entries
    ) AS read, unnest(places) AS place
    UNION ALL
    SELECT position, entry FROM integrations.history
    WHERE workspace_id = workspace AND sequence = ANY (sequences)
    ORDER BY 1 DESC;
END
$$;
