-- Workspaces see nothing of each other (docs/roles.md): a role that serves requests sees, and writes, the rows of
-- the workspace that its transaction names in app.workspace, and no rows where it names none. All
-- roles that work across workspaces are named here; what they may touch is in roles.sql. The owner
-- is among them, so that functions that run as the owner can look beyond, also where that is no
-- superuser. A shadow of a view gets its view's policies when it takes the view's place.
DO $$
DECLARE
    walled regclass;
BEGIN
    FOR walled IN
        SELECT attrelid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = 'integrations'::regnamespace AND relkind IN ('r', 'p')
            AND attname = 'workspace_id' AND relname !~ '_v[0-9]+$'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', walled);
        EXECUTE format('DROP POLICY IF EXISTS own_workspace ON %s', walled);
        EXECUTE format('DROP POLICY IF EXISTS every_workspace ON %s', walled);
        EXECUTE format($policy$
            CREATE POLICY own_workspace ON %s
            TO integrations_command, integrations_query, integrations_past
            USING (workspace_id = current_setting('app.workspace', true))
        $policy$, walled);
        EXECUTE format($policy$
            CREATE POLICY every_workspace ON %s
            TO integrations_audit, integrations_follower, integrations_rebuild,
                integrations_recorder, integrations_rewrap, CURRENT_USER
            USING (true)
        $policy$, walled);
    END LOOP;
END
$$;
