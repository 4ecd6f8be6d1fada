-- Returns the keys that stored secrets of any workspace need. One step a key, however many secrets
-- there are (a loose index scan). Closed ones are not needed: their loss was accepted.
CREATE OR REPLACE FUNCTION integrations.keks_in_use() RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH RECURSIVE used (kek) AS (
        SELECT min(kek) FROM integrations.secret_store
        UNION ALL
        SELECT (SELECT min(kek) FROM integrations.secret_store s WHERE s.kek > used.kek)
        FROM used WHERE used.kek IS NOT NULL
    )
    SELECT kek FROM used WHERE kek IS NOT NULL
    EXCEPT SELECT kek FROM integrations.closed_keks
$$;
