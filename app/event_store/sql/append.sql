-- Appends events, in the order given, and returns the last position before them; theirs are the
-- next: 1, 2, 3 … without holes, in commit order. One writer at a time holds the lock from here to
-- its commit; that is what makes head() + 1 the next position and lets a tailing reader never miss
-- one. The caller names the workspace (walls.sql), or has a role that sees them all.
CREATE OR REPLACE FUNCTION integrations.append(events jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head bigint;
BEGIN
    PERFORM integrations.lock_log();
    head := integrations.head();
    INSERT INTO integrations.events (position, workspace_id, stream, version, type, envelope)
    SELECT head + number, workspace, stream, version, type, convert_to(envelope, 'UTF8')
    FROM ROWS FROM (
        jsonb_to_recordset(events)
        AS (workspace text, stream text, version bigint, type text, envelope text)
    ) WITH ORDINALITY AS event (workspace, stream, version, type, envelope, number);
    RETURN head;
END
$$;
