-- Appends events, in the order given, and returns the last position before them; theirs are the
-- next: 1, 2, 3 … without gaps, in commit order. One writer at a time holds the lock from here to
-- its commit; that is what makes head() + 1 the next position, max(sequence) + 1 the next number of
-- a workspace, and lets a tailing reader never skip one. The caller names the workspace
-- (database/sql/missing_rights.sql), or has a role that sees them all.
CREATE OR REPLACE FUNCTION integrations.append(events jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
BEGIN
    PERFORM integrations.lock_log();
    head := integrations.head();
    INSERT INTO integrations.events (
        position, workspace_id, sequence, stream, version, type, action, actor_id, at, envelope
    )
    SELECT
        head + number, workspace, last + row_number() OVER (PARTITION BY workspace ORDER BY number),
        stream, version, type, action, actor_id, at, convert_to(envelope, 'UTF8')
    FROM ROWS FROM (
        jsonb_to_recordset(events) AS (
            workspace text, stream text, version bigint, type text, action text, actor_id text,
            at timestamptz, envelope text
        )
    ) WITH ORDINALITY AS event (
        workspace, stream, version, type, action, actor_id, at, envelope, number
    ), LATERAL (
        SELECT coalesce(max(sequence), 0) AS last FROM integrations.events
        WHERE workspace_id = workspace
    ) AS before;
    RETURN head;
END
$$;
