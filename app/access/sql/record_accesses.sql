-- Adds records to the access journal, those that it does not have for their minute yet, in the order
-- given; positions are 1, 2, 3 … without gaps, in commit order, as one writer at a time holds the
-- journal's own lock. Leases wait for each other here, and for no change of an integration. Returns
-- how many were added.
CREATE OR REPLACE FUNCTION integrations.record_accesses(items jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    added bigint;
BEGIN
    PERFORM set_config('lock_timeout', '2s', true);
    PERFORM pg_advisory_xact_lock(7597137600296673656);
    INSERT INTO integrations.accesses
        (position, workspace_id, stream, grant_key, minute, actor_id, envelope)
    SELECT
        head + row_number() OVER (ORDER BY number), workspace, stream, grant_key, minute, actor,
        convert_to(envelope, 'UTF8')
    FROM (
        SELECT DISTINCT ON (workspace, grant_key, minute) *
        FROM ROWS FROM (
            jsonb_to_recordset(items) AS (
                workspace text, stream text, grant_key text, at timestamptz, actor text, envelope text
            )
        ) WITH ORDINALITY AS given (workspace, stream, hex, at, actor, envelope, number),
            decode(hex, 'hex') AS grant_key, date_trunc('minute', at) AS minute
        ORDER BY workspace, grant_key, minute, number
    ) AS item, (SELECT coalesce(max(position), 0) AS head FROM integrations.accesses) AS last
    WHERE NOT EXISTS (
        SELECT FROM integrations.accesses AS kept
        WHERE kept.workspace_id = item.workspace AND kept.grant_key = item.grant_key
            AND kept.minute = item.minute
    );
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
