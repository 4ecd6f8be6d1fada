-- Makes an empty table like the view's, called <view>_v<version>, yet without keys and indexes;
-- a former one goes. Options and statistics targets are what LIKE leaves out. Autovacuum, which would
-- hold a lock on what is switched, waits until the shadow is in its place.
CREATE OR REPLACE FUNCTION integrations.open_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    options text := (
        SELECT array_to_string(reloptions, ', ') FROM pg_class
        WHERE oid = format('integrations.%I', view_name)::regclass
    );
    targeted pg_attribute;
BEGIN
    PERFORM integrations.drop_shadows(view_name);
    EXECUTE format(
        'CREATE TABLE integrations.%I (LIKE integrations.%I INCLUDING ALL EXCLUDING INDEXES)',
        shadow, view_name
    );
    IF options IS NOT NULL THEN
        EXECUTE format('ALTER TABLE integrations.%I SET (%s)', shadow, options);
    END IF;
    EXECUTE format('ALTER TABLE integrations.%I SET (autovacuum_enabled = false)', shadow);
    FOR targeted IN
        SELECT * FROM pg_attribute
        WHERE attrelid = format('integrations.%I', view_name)::regclass
            AND attnum > 0 AND attstattarget >= 0
    LOOP
        EXECUTE format(
            'ALTER TABLE integrations.%I ALTER COLUMN %I SET STATISTICS %s',
            shadow, targeted.attname, targeted.attstattarget
        );
    END LOOP;
    EXECUTE format(
        'GRANT SELECT, INSERT, DELETE ON integrations.%I TO integrations_rebuild', shadow
    );
END
$$;
REVOKE ALL ON FUNCTION integrations.open_shadow(text, integer) FROM PUBLIC;
