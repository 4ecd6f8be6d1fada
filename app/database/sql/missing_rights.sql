-- What gives each role what it may do, nothing else (docs/roles.md): the statements that the database
-- lacks for that, in the order in which they run. The rows it may see: row_level_security.sql.
WITH rights (role, privileges, kind, names) AS (VALUES
    -- Requests that change something: they add to the log, and never change it.
    ('command', 'SELECT, INSERT', 'TABLE', ARRAY['events']),
    ('command', 'SELECT, INSERT, UPDATE, DELETE', 'TABLE',
        ARRAY['integration_view', 'channel_default_view', 'integration_counts',
            'idempotent_responses', 'console_codes', 'console_sessions']),
    ('command', 'SELECT, INSERT, UPDATE', 'TABLE', ARRAY['snapshots']),
    ('command', 'SELECT, INSERT, DELETE', 'TABLE', ARRAY['secret_store']),
    ('command', 'SELECT', 'TABLE', ARRAY['closed_keks', 'migrations']),
    ('command', 'SELECT (kind), SELECT (name)', 'TABLE', ARRAY['installation_keys']),
    ('command', 'EXECUTE', 'FUNCTION', ARRAY[
        'lock_log()', 'head()', 'append(jsonb)', 'record_batch(jsonb)', 'record_each(text[])',
        'load_streams(text[], text[], bigint[], text[], integer)',
        'response_expiry()', 'delete_expired_responses(integer)', 'workspaces_over_quota(bigint)',
        'keks_in_use()', 'lease_material(text[], text[])', 'record_accesses(jsonb)',
        'delete_old_accesses(integer, integer)'
    ]),
    -- Requests that read what is now.
    ('query', 'SELECT', 'TABLE', ARRAY['integration_view', 'channel_default_view',
        'integration_counts', 'migrations']),
    ('query', 'SELECT (workspace_id), SELECT (sequence)', 'TABLE', ARRAY['events']),
    ('query', 'EXECUTE', 'FUNCTION', ARRAY[
        'get_integrations(text[], text[])', 'list_integrations(text[])',
        'search_integrations(text[])'
    ]),
    -- Requests that look back: the history, integrations as they were, and proofs.
    ('past', 'SELECT', 'TABLE',
        ARRAY['events', 'audit_tiles', 'audit_checkpoints', 'audit_key_changes', 'migrations',
            'accesses']),
    ('past', 'SELECT (workspace_id), SELECT (stream), SELECT (field)', 'TABLE', ARRAY['secret_store']),
    ('past', 'EXECUTE', 'FUNCTION', ARRAY[
        'sequence_at(text, bigint)', 'head()', 'overdue_responses()'
    ]),
    -- The role that replays or verifies the log reads all that follows from it. A sealed secret
    -- without its wrapped key opens nothing; it is compared with what the log says of it.
    ('audit', 'SELECT', 'TABLE', ARRAY[
        'events', 'integration_view', 'channel_default_view', 'audit_tiles', 'audit_checkpoints', 'audit_follower',
        'audit_key_changes', 'snapshots', 'accesses', 'migrations', 'installation_keys',
        'closed_keks'
    ]),
    ('audit',
        'SELECT (workspace_id), SELECT (stream), SELECT (field), SELECT (version), SELECT (nonce), '
        'SELECT (ciphertext)', 'TABLE', ARRAY['secret_store']),
    ('audit', 'EXECUTE', 'FUNCTION', ARRAY['sequence_at(text, bigint)']),
    -- The role that rebuilds owns no table: the owner's functions make shadows of views, and switch.
    ('rebuild', 'SELECT', 'TABLE',
        ARRAY['events', 'integration_view', 'channel_default_view', 'projections']),
    ('rebuild', 'SELECT, INSERT, DELETE', 'TABLE', ARRAY['integration_counts']),
    ('rebuild', 'EXECUTE', 'FUNCTION', ARRAY[
        'lock_log()', 'recount()', 'create_shadow(text, integer)',
        'build_index(text, integer, text)', 'analyze_shadow(text, integer)',
        'switch_shadow(text, integer, bigint)'
    ]),
    -- The role that follows the log reads it, adds to the trees and signs; a trigger says which
    -- checkpoints may go.
    ('follower', 'SELECT', 'TABLE', ARRAY['events', 'audit_follower', 'audit_key_changes']),
    ('follower', 'SELECT, INSERT, UPDATE', 'TABLE', ARRAY['audit_tiles']),
    ('follower', 'SELECT, INSERT, DELETE', 'TABLE', ARRAY['audit_checkpoints']),
    ('follower', 'UPDATE (position), UPDATE (verifier)', 'TABLE', ARRAY['audit_follower']),
    -- The role that rewraps keys sees all of them, and no secret: not even sealed.
    ('rewrap',
        'SELECT (workspace_id), SELECT (stream), SELECT (field), SELECT (version), SELECT (kek), '
        'SELECT (wrapped_key), UPDATE (kek), UPDATE (wrapped_key)', 'TABLE', ARRAY['secret_store']),
    ('rewrap', 'SELECT (workspace_id), SELECT (id), SELECT (name)', 'TABLE',
        ARRAY['integration_view']),
    ('rewrap', 'SELECT, INSERT', 'TABLE', ARRAY['closed_keks']),
    ('rewrap', 'SELECT, INSERT, UPDATE, DELETE', 'TABLE', ARRAY['installation_keys']),
    ('rewrap', 'EXECUTE', 'FUNCTION', ARRAY['lock_log()', 'keks_in_use()']),
    -- Whatever follows the log reads it by position through the library's recorder, which knows no
    -- workspaces.
    ('recorder', 'SELECT', 'TABLE', ARRAY['events', 'recorder_events'])
),
-- ----- What there is -----
roles AS (
    SELECT DISTINCT role, prefix || '_' || role AS name,
        current_setting('app.roles_log_in', true) IS NOT DISTINCT FROM 'on' AS logs_in
    FROM rights,
        coalesce(nullif(current_setting('app.role_prefix', true), ''), 'integrations') AS prefix
),
tables AS (  -- a shadow of a view gets its view's rights when it takes the view's place
    SELECT *, format('integrations.%I', relname) AS name FROM pg_class
    WHERE relnamespace = to_regnamespace('integrations') AND relkind IN ('r', 'p', 'v', 'm', 'S')
        AND relname !~ '_v[0-9]+$'
),
targets AS (
    SELECT 'SCHEMA integrations' AS target, NULL AS field, nspacl AS acl
    FROM pg_namespace WHERE nspname = 'integrations'
    UNION ALL
    SELECT 'TABLE ' || name, NULL, relacl FROM tables
    UNION ALL
    SELECT 'TABLE ' || name, attname::text, attacl
    FROM tables JOIN pg_attribute ON attrelid = tables.oid WHERE attacl IS NOT NULL
    UNION ALL  -- those in C are an extension's
    SELECT format('FUNCTION integrations.%I(%s)', proname, oidvectortypes(proargtypes)), NULL,
        coalesce(proacl, acldefault('f', proowner))
    FROM pg_proc WHERE pronamespace = to_regnamespace('integrations') AND probin IS NULL
),
granted AS (
    SELECT coalesce(rolname::text, 'PUBLIC') AS role,
        privilege_type || coalesce(' (' || field || ')', '') AS privilege, target
    FROM targets, aclexplode(acl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
    WHERE grantee = 0 OR rolname IN (SELECT name FROM roles)
),
-- ----- What is wanted -----
wanted AS (
    SELECT name AS role, 'USAGE' AS privilege, 'SCHEMA integrations' AS target FROM roles
    UNION ALL
    SELECT roles.name, privilege, kind || ' integrations.' || object
    FROM rights JOIN roles USING (role), unnest(names) AS object,
        regexp_split_to_table(privileges, ', ') AS privilege
),
-- ----- The difference -----
missing (step, statement) AS (
    SELECT 1, format('CREATE ROLE %I %s', name, CASE WHEN logs_in THEN 'LOGIN' ELSE 'NOLOGIN' END)
    FROM roles WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
    UNION ALL
    SELECT 1, format('ALTER ROLE %I LOGIN', name)
    FROM roles JOIN pg_roles ON rolname = name WHERE logs_in AND NOT rolcanlogin
    UNION ALL  -- with such a power, or as a member of another role, it may do more
    SELECT 1, format('ALTER ROLE %I %s', name, powers)
    FROM roles JOIN pg_roles ON rolname = name, concat_ws(' ',
        CASE WHEN rolsuper THEN 'NOSUPERUSER' END, CASE WHEN rolcreatedb THEN 'NOCREATEDB' END,
        CASE WHEN rolcreaterole THEN 'NOCREATEROLE' END,
        CASE WHEN rolreplication THEN 'NOREPLICATION' END,
        CASE WHEN rolbypassrls THEN 'NOBYPASSRLS' END
    ) AS powers
    WHERE powers <> ''
    UNION ALL
    SELECT 1, format('REVOKE %I FROM %I GRANTED BY %I',
        pg_get_userbyid(roleid), name, pg_get_userbyid(grantor))
    FROM roles JOIN pg_roles ON rolname = name JOIN pg_auth_members ON member = pg_roles.oid
    UNION ALL
    SELECT 2, format('GRANT %s TO %I', string_agg(quote_ident(name), ', ' ORDER BY name), current_user)
    FROM roles LEFT JOIN pg_roles ON rolname = name
    WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND (rolname IS NULL OR NOT pg_has_role(pg_roles.oid, CASE
            -- From PostgreSQL 16 on, who creates a role is its member but may not act as it.
            WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
        END))
    HAVING count(*) > 0
    UNION ALL
    SELECT 3, format('REVOKE %s ON %s FROM %s', string_agg(privilege, ', ' ORDER BY privilege), target,
        CASE role WHEN 'PUBLIC' THEN role ELSE quote_ident(role) END)
    FROM (TABLE granted EXCEPT TABLE wanted) AS surplus GROUP BY role, target
    UNION ALL
    SELECT 4, format('GRANT %s ON %s TO %I', string_agg(privilege, ', ' ORDER BY privilege), target, role)
    FROM (TABLE wanted EXCEPT TABLE granted) AS lacking
    WHERE target IN (SELECT target FROM targets) GROUP BY role, target
)
SELECT statement FROM missing ORDER BY step, statement
