-- Records what commands led to, all of it or nothing, each kind of row by one statement. Each write
-- is of one stream: its answer under its idempotency key, its events (consecutive versions), the
-- rows of views and journals that follow from them, new sealed secrets in place of older ones, and,
-- with shred, the end of all secrets of the stream. Returns the positions of each write's events,
-- in the order of the writes. For integrations.record_all, which holds the lock.
--
-- It looks beyond the walls, as one statement writes to many workspaces; the wall is in the
-- functions that it calls: every row goes to the workspace of its write, whatever else it says.
-- Plans are kept from when tables were small; without sequential scans they fit large ones, too.
CREATE OR REPLACE FUNCTION integrations.record(writes jsonb)
RETURNS SETOF bigint[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    head bigint := integrations.head();
BEGIN
    PERFORM integrations.remember_answers(writes);
    PERFORM integrations.append(
        array_agg(workspace), array_agg(stream), array_agg(version), array_agg(type),
        array_agg(envelope)
    )
    FROM (
        SELECT
            write ->> 'workspace' AS workspace, write ->> 'stream' AS stream,
            (write ->> 'after')::bigint + event.number AS version, type,
            convert_to(event.envelope, 'UTF8') AS envelope
        FROM jsonb_array_elements(writes) WITH ORDINALITY AS item (write, number),
            ROWS FROM (jsonb_to_recordset(write -> 'events') AS (type text, envelope text))
                WITH ORDINALITY AS event (type, envelope, number)
        ORDER BY item.number, event.number
    ) AS new;
    PERFORM integrations.write_integration_view(writes);
    PERFORM integrations.write_history(writes, head + 1);
    PERFORM integrations.write_secrets(writes);
    RETURN QUERY
    SELECT ARRAY(SELECT generate_series(head + upto - amount + 1, head + upto)) FROM (
        SELECT number, amount, sum(amount) OVER (ORDER BY number)::bigint AS upto
        FROM (
            SELECT number, jsonb_array_length(write -> 'events') AS amount
            FROM jsonb_array_elements(writes) WITH ORDINALITY AS item (write, number)
        ) AS counted
    ) AS placed ORDER BY number;
END
$$;
