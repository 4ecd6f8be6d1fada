-- Row-level security of every table with a workspace_id, a new one too: the statements that the
-- database lacks for it, in the order in which they run. Workspaces see nothing of each other: a role
-- that serves requests sees, and writes, the rows of the workspace that its transaction names in
-- app.workspace, and no rows if it names none.
WITH rules (policy, roles, condition) AS (VALUES
    ('own_workspace', ARRAY['command', 'query', 'past'],
        '(workspace_id = current_setting(''app.workspace''::text, true))'),
    -- The owner sees every row, too, so that functions that run as the owner can look beyond.
    ('every_workspace', ARRAY['audit', 'follower', 'rebuild', 'recorder', 'rewrap'], 'true')
),
role_names AS (
    SELECT role, prefix || '_' || role AS name
    FROM rules, unnest(roles) AS role,
        coalesce(nullif(current_setting('app.role_prefix', true), ''), 'integrations') AS prefix
),
tables AS (  -- a shadow of a view gets the policies of its view: copy_policies.sql
    SELECT pg_class.oid, format('integrations.%I', relname) AS name, relowner,
        relrowsecurity AND relforcerowsecurity AS is_forced
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'workspace_id'
    WHERE relnamespace = to_regnamespace('integrations') AND relkind IN ('r', 'p')
        AND relname !~ '_v[0-9]+$'
),
present AS (
    SELECT name AS table_name, polname::text AS policy, ARRAY(
        SELECT CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role)::text END
        FROM unnest(polroles) AS role ORDER BY 1
    ) AS roles, CASE WHEN polpermissive AND polcmd = '*' AND polwithcheck IS NULL
        THEN pg_get_expr(polqual, polrelid) END AS condition
    FROM tables JOIN pg_policy ON polrelid = tables.oid
),
wanted AS (
    SELECT tables.name AS table_name, policy, ARRAY(
        SELECT role_names.name FROM role_names WHERE role = ANY (rules.roles)
        UNION SELECT pg_get_userbyid(relowner)::text WHERE policy = 'every_workspace'
        ORDER BY 1
    ) AS roles, condition
    FROM tables, rules
),
missing (step, statement) AS (
    SELECT 1, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name)
    FROM tables WHERE NOT is_forced
    UNION ALL  -- another policy shows one of these roles more, or ours is not as it was
    SELECT 2, format('DROP POLICY %I ON %s', policy, table_name)
    FROM (TABLE present EXCEPT TABLE wanted) AS surplus
    WHERE roles && ARRAY(SELECT name FROM role_names UNION SELECT 'public')
        OR policy IN (SELECT policy FROM rules)
    UNION ALL
    SELECT 3, format('CREATE POLICY %I ON %s TO %s USING (%s)', policy, table_name,
        (SELECT string_agg(quote_ident(role), ', ') FROM unnest(roles) AS role), condition)
    FROM (TABLE wanted EXCEPT TABLE present) AS lacking
)
SELECT statement FROM missing ORDER BY step, statement
