-- Records a batch, what commands that waited together led to, all of it or nothing: events, first
-- answers under idempotency keys, the rows of views and journals that follow, sealed secrets. Each
-- kind of row is written by one statement, and none where there are none of it; app/event_store/batch.py
-- says what the parts are. Returns the last position before the batch; its events have the next.
--
-- It looks beyond the walls, as one statement writes to many workspaces; the wall is in the
-- functions that it calls: every row goes to the workspace of its write, whatever else it says.
-- Plans are kept from when tables were small; without sequential scans they fit large ones, too.
CREATE OR REPLACE FUNCTION integrations.record_batch(batch jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    head bigint;
BEGIN
    IF batch ? 'answers' THEN
        PERFORM integrations.lock_log();  -- first, so that no row is waited for with the lock held
        PERFORM integrations.store_responses(batch -> 'answers');
    END IF;
    head := integrations.append(batch -> 'events');
    PERFORM integrations.write_integration_view(
        batch -> 'rows', batch -> 'gone', batch -> 'counts'
    );
    IF batch ? 'entries' THEN
        PERFORM integrations.write_history(batch -> 'entries', head + 1);
    END IF;
    IF batch ?| ARRAY['ended', 'sealed'] THEN
        PERFORM integrations.write_secrets(batch -> 'ended', batch -> 'sealed');
    END IF;
    RETURN head;
END
$$;
