-- Gives a shadow table the grants and the row-level security of its view.
CREATE OR REPLACE FUNCTION integrations.copy_policies(view_name text, shadow text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    live pg_class;
    statement text;
BEGIN
    SELECT * INTO live FROM pg_class WHERE oid = format('integrations.%I', view_name)::regclass;
    EXECUTE format(
        'REVOKE ALL ON integrations.%I FROM %I', shadow,
        coalesce(nullif(current_setting('role'), 'none'), session_user)
    );
    FOR statement IN
        SELECT format(
            'GRANT %s ON integrations.%I TO %s', privilege_type, shadow,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
        )
        FROM aclexplode(live.relacl) WHERE grantee <> live.relowner
        UNION ALL
        SELECT format(
            'GRANT %s (%I) ON integrations.%I TO %s', privilege_type, attname, shadow,
            CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END
        )
        FROM pg_attribute, aclexplode(attacl) WHERE attrelid = live.oid
        UNION ALL
        SELECT format(
            'CREATE POLICY %I ON integrations.%I AS %s FOR %s TO %s %s %s',
            policyname, shadow, permissive, cmd,
            (SELECT string_agg(CASE role WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(role) END, ', ')
             FROM unnest(roles) AS role),
            'USING (' || qual || ')', 'WITH CHECK (' || with_check || ')'
        )
        FROM pg_policies WHERE schemaname = 'integrations' AND tablename = view_name
        UNION ALL
        SELECT format('ALTER TABLE integrations.%I ENABLE ROW LEVEL SECURITY', shadow)
        WHERE live.relrowsecurity
        UNION ALL
        SELECT format('ALTER TABLE integrations.%I FORCE ROW LEVEL SECURITY', shadow)
        WHERE live.relforcerowsecurity
    LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION integrations.copy_policies(text, text) FROM PUBLIC;
