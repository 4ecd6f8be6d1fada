-- Returns how to go on with streams that wait together: for each, by the number (from 1) of the item
-- that asked, its snapshot, without a position, and after it at most `most` events, oldest first.
-- Where an item says after which version, it gets the events after that one and no snapshot, and so
-- it does, from the first, where there is no snapshot of the shape. Whose streams they are is said
-- for each; the wall is the joins. Plans are kept from when tables were small; so they fit large ones.
CREATE OR REPLACE FUNCTION integrations.load_streams(
    workspaces text[], streams text[], afters bigint[], wanted_shape text, most integer
) RETURNS TABLE (item bigint, "position" bigint, content bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT
            asked.ordinality, asked.workspace_id, asked.stream, snapshot.state,
            coalesce(asked.after, snapshot.version, 0) AS after
        FROM unnest(workspaces, streams, afters) WITH ORDINALITY
            AS asked (workspace_id, stream, after, ordinality)
        LEFT JOIN integrations.snapshots AS snapshot
            ON snapshot.workspace_id = asked.workspace_id AND snapshot.stream = asked.stream
            AND snapshot.shape = wanted_shape AND asked.after IS NULL
    )
    SELECT ordinality, NULL, state FROM wanted WHERE state IS NOT NULL
    UNION ALL
    SELECT wanted.ordinality, event.position, event.envelope FROM wanted, LATERAL (
        SELECT one.position, one.envelope FROM integrations.events AS one
        WHERE one.workspace_id = wanted.workspace_id AND one.stream = wanted.stream
            AND one.version > wanted.after
        ORDER BY one.version LIMIT most
    ) AS event
    ORDER BY 1, 2 NULLS FIRST;
END
$$;
