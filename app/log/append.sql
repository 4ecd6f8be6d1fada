-- Appends events, in the order given, and returns their positions: 1, 2, 3 … without holes, in
-- commit order. One writer at a time holds the lock from here to its commit; that is what makes
-- head() + 1 the next position and lets a tailing reader never miss one. The caller names the
-- workspace (walls.sql), or has a role that sees them all.
CREATE OR REPLACE FUNCTION integrations.append(
    workspaces text[], streams text[], versions bigint[], types text[], envelopes bytea[]
) RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
BEGIN
    PERFORM integrations.lock_log();
    head := integrations.head();
    RETURN QUERY
    INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
    SELECT head + item.ordinality, item.workspace, item.stream, item.version, item.type, item.envelope
    FROM unnest(workspaces, streams, versions, types, envelopes) WITH ORDINALITY
        AS item (workspace, stream, version, type, envelope, ordinality)
    ORDER BY item.ordinality
    RETURNING position;
END
$$;
