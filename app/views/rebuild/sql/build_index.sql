-- Gives a shadow table one index of its view, called as there and _v<version>, and makes a key of it
-- if it is one there.
CREATE OR REPLACE FUNCTION integrations.build_index(
    view_name text, version integer, index_name text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '256MB' AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    new_name text := index_name || '_v' || version;
    live record;
BEGIN
    PERFORM integrations.require_view(view_name);
    SELECT
        CASE WHEN indisunique THEN 'UNIQUE' ELSE '' END AS uniqueness,
        substring(pg_get_indexdef(indexrelid) FROM ' USING .*$') AS definition,
        CASE contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END AS key_kind
    INTO STRICT live
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    LEFT JOIN pg_constraint ON conindid = indexrelid AND contype IN ('p', 'u')
    WHERE indrelid = format('integrations.%I', view_name)::regclass AND relname = index_name;
    EXECUTE format(
        'CREATE %s INDEX %I ON integrations.%I %s',
        live.uniqueness, new_name, shadow, live.definition
    );
    IF live.key_kind IS NOT NULL THEN
        EXECUTE format(
            'ALTER TABLE integrations.%I ADD CONSTRAINT %I %s USING INDEX %I',
            shadow, new_name, live.key_kind, new_name
        );
    END IF;
END
$$;
REVOKE ALL ON FUNCTION integrations.build_index(text, integer, text) FROM PUBLIC;
