-- Creates an empty table <view>_v<version> like the view, without its keys and indexes; drops earlier
-- ones. LIKE leaves out options and statistics targets. Autovacuum, which would hold a lock on the
-- table at the switch, is off until then.
CREATE OR REPLACE FUNCTION integrations.create_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    options text := (
        SELECT array_to_string(reloptions, ', ') FROM pg_class
        WHERE oid = format('integrations.%I', view_name)::regclass
    );
    targeted pg_attribute;
    earlier text;
BEGIN
    PERFORM integrations.require_view(view_name);
    FOR earlier IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'integrations'::regnamespace AND relkind = 'r'
            AND relname ~ ('^' || view_name || '_v[0-9]+$')
    LOOP
        EXECUTE format('DROP TABLE integrations.%I', earlier);
    END LOOP;
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
        'GRANT SELECT, INSERT, DELETE ON integrations.%I TO %I', shadow,
        coalesce(nullif(current_setting('role'), 'none'), session_user)
    );
END
$$;
REVOKE ALL ON FUNCTION integrations.create_shadow(text, integer) FROM PUBLIC;
