-- Stores a batch, what commands that waited together led to, all of it or nothing: events, first
-- responses under idempotency keys, the rows of views that follow, sealed secrets. Each kind of row
-- is written by one statement, and none if the batch has none of it; app/event_store/batch.py lists
-- the parts. Returns the last position before the batch; its events have the next.
--
-- It sees all workspaces, as one statement writes to many; each row goes to the workspace of its
-- changeset, in all cases. Plans are cached from when tables were small; without sequential
-- scans they fit large ones, too.
CREATE OR REPLACE FUNCTION integrations.record_batch(batch jsonb)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    head bigint;
BEGIN
    IF batch ? 'responses' THEN
        PERFORM integrations.lock_log();  -- first, so that no row is waited for with the lock held
        PERFORM integrations.store_responses(batch -> 'responses');
    END IF;
    head := integrations.append(batch -> 'events');
    PERFORM integrations.write_integration_view(
        batch -> 'rows', batch -> 'deleted_rows', batch -> 'counts'
    );
    IF batch ?| ARRAY['default_rows', 'deleted_default_rows'] THEN
        PERFORM integrations.write_channel_default_view(
            batch -> 'default_rows', batch -> 'deleted_default_rows'
        );
    END IF;
    IF batch ?| ARRAY['deleted_secrets', 'sealed'] THEN
        PERFORM integrations.write_secrets(batch -> 'deleted_secrets', batch -> 'sealed');
    END IF;
    RETURN head;
END
$$;
