-- Makes keys of those indexes of a shadow that are keys of its view, by the names that they have
-- there and _v<version>.
CREATE OR REPLACE FUNCTION integrations.index_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    wanted record;
BEGIN
    PERFORM integrations.require_view(view_name);
    FOR wanted IN
        SELECT
            conname || '_v' || version AS name,
            CASE contype WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END AS kind
        FROM pg_constraint
        WHERE conrelid = format('integrations.%I', view_name)::regclass AND contype IN ('p', 'u')
    LOOP
        EXECUTE format(
            'ALTER TABLE integrations.%I ADD CONSTRAINT %I %s USING INDEX %I',
            shadow, wanted.name, wanted.kind, wanted.name
        );
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION integrations.index_shadow(text, integer) FROM PUBLIC;
