-- Gives a filled shadow the keys and indexes of its view, by the names that they have there and
-- _v<version>, and the planner its statistics.
CREATE OR REPLACE FUNCTION integrations.index_shadow(view_name text, version integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET maintenance_work_mem = '256MB' AS $$
DECLARE
    shadow text := view_name || '_v' || version;
    wanted record;
BEGIN
    PERFORM integrations.require_view(view_name);
    FOR wanted IN
        SELECT
            index.relname || '_v' || version AS name,
            pg_get_constraintdef(key.oid) AS key,
            CASE WHEN i.indisunique THEN 'UNIQUE' ELSE '' END AS uniqueness,
            substring(pg_get_indexdef(i.indexrelid) FROM ' USING .*$') AS definition
        FROM pg_index i
        JOIN pg_class index ON index.oid = i.indexrelid
        LEFT JOIN pg_constraint key ON key.conindid = i.indexrelid AND key.conrelid = i.indrelid
        WHERE i.indrelid = format('integrations.%I', view_name)::regclass
    LOOP
        IF wanted.key IS NULL THEN
            EXECUTE format(
                'CREATE %s INDEX %I ON integrations.%I %s',
                wanted.uniqueness, wanted.name, shadow, wanted.definition
            );
        ELSE
            EXECUTE format(
                'ALTER TABLE integrations.%I ADD CONSTRAINT %I %s', shadow, wanted.name, wanted.key
            );
        END IF;
    END LOOP;
    EXECUTE format('ANALYZE integrations.%I', shadow);
END
$$;
REVOKE ALL ON FUNCTION integrations.index_shadow(text, integer) FROM PUBLIC;
