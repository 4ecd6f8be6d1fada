-- Makes an empty table like the view's, called <view>_v<version>, yet without keys and indexes;
-- a former one goes.
CREATE OR REPLACE FUNCTION integrations.open_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    options text := (
        SELECT array_to_string(reloptions, ', ') FROM pg_class
        WHERE oid = format('integrations.%I', view_name)::regclass
    );
BEGIN
    PERFORM integrations.drop_shadows(view_name);
    EXECUTE format(
        'CREATE TABLE integrations.%I (LIKE integrations.%I INCLUDING ALL EXCLUDING INDEXES)',
        shadow, view_name
    );
    IF options IS NOT NULL THEN
        EXECUTE format('ALTER TABLE integrations.%I SET (%s)', shadow, options);
    END IF;
    EXECUTE format(
        'GRANT SELECT, INSERT, DELETE ON integrations.%I TO integrations_rebuild', shadow
    );
END
$$;
REVOKE ALL ON FUNCTION integrations.open_shadow(text, integer) FROM PUBLIC;
