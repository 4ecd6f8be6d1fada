-- Returns the state of several streams in one batch: for each, by the number (from 1) of the item
-- that requested it, its snapshot, without a position, and after it at most `most` events, the
-- oldest first.
-- Where an item says after which version, it gets the events after that one and no snapshot, and so
-- it does, from the first, where there is no snapshot of its shape. Whose streams they are is said
-- for each; the joins hold the workspaces apart. Plans are cached from when tables were small; so
-- they fit large ones.
CREATE OR REPLACE FUNCTION integrations.load_streams(
    workspaces text[], streams text[], afters bigint[], shapes text[], most integer
) RETURNS TABLE (item bigint, "position" bigint, content bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    WITH wanted AS MATERIALIZED (
        SELECT
            request.ordinality, request.workspace_id, request.stream, snapshot.state,
            coalesce(request.after, snapshot.version, 0) AS after
        FROM unnest(workspaces, streams, afters, shapes) WITH ORDINALITY
            AS request (workspace_id, stream, after, shape, ordinality)
        LEFT JOIN integrations.snapshots AS snapshot
            ON snapshot.workspace_id = request.workspace_id AND snapshot.stream = request.stream
            AND snapshot.shape = request.shape AND request.after IS NULL
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
