-- Makes an empty table like the view's, called <view>_v<version>, yet without keys and indexes;
-- a former one goes.
CREATE OR REPLACE FUNCTION integrations.open_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
BEGIN
    PERFORM integrations.drop_shadows(view_name);
    EXECUTE format(
        'CREATE TABLE integrations.%I (LIKE integrations.%I INCLUDING ALL EXCLUDING INDEXES)',
        shadow, view_name
    );
    EXECUTE format(
        'GRANT SELECT, INSERT, DELETE ON integrations.%I TO integrations_rebuild', shadow
    );
END
$$;
REVOKE ALL ON FUNCTION integrations.open_shadow(text, integer) FROM PUBLIC;
