-- Puts an indexed shadow table in the view's place, under all of its names, and drops the old table.
-- The caller holds the append lock, and up_to is the last position. Waits for readers of the view as
-- long as lock_timeout allows; new readers wait behind it.
CREATE OR REPLACE FUNCTION integrations.switch_shadow(
    view_name text, version integer, up_to bigint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    autovacuum text := (
        SELECT option FROM pg_class, unnest(reloptions) AS option
        WHERE oid = format('integrations.%I', view_name)::regclass
            AND option LIKE 'autovacuum_enabled=%'
    );
    index_names text[];
    index_name text;
BEGIN
    PERFORM integrations.require_view(view_name);
    EXECUTE format('LOCK TABLE integrations.%I IN ACCESS EXCLUSIVE MODE', view_name);
    PERFORM integrations.copy_policies(view_name, shadow);
    EXECUTE format('ALTER TABLE integrations.%I RESET (autovacuum_enabled)', shadow);
    IF autovacuum IS NOT NULL THEN
        EXECUTE format('ALTER TABLE integrations.%I SET (%s)', shadow, autovacuum);
    END IF;
    index_names := ARRAY(
        SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = format('integrations.%I', view_name)::regclass
    );
    EXECUTE format('DROP TABLE integrations.%I', view_name);
    EXECUTE format('ALTER TABLE integrations.%I RENAME TO %I', shadow, view_name);
    FOREACH index_name IN ARRAY index_names LOOP  -- a key is renamed with its index
        EXECUTE format(
            'ALTER INDEX integrations.%I RENAME TO %I', index_name || '_v' || version, index_name
        );
    END LOOP;
    PERFORM integrations.invalidate_row_types(view_name);
    UPDATE integrations.projections p
    SET version = switch_shadow.version, position = up_to, built_at = now()
    WHERE p.name = view_name;
END
$$;
REVOKE ALL ON FUNCTION integrations.switch_shadow(text, integer, bigint) FROM PUBLIC;
