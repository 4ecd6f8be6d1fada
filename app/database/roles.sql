-- What each role may do; run after every migration. A role is taken on by SET ROLE.
DO $$
DECLARE
    role_name text;
    -- From PostgreSQL 16 on, who creates a role is its member but may not act as it.
    taking_on text := CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
    END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'integrations_command', 'integrations_query', 'integrations_audit', 'integrations_rebuild',
        'integrations_follower'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was quicker; roles are shared
            END;
        END IF;
        IF NOT pg_has_role(current_user, role_name, taking_on) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA integrations FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA integrations FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA integrations FROM PUBLIC;

GRANT USAGE ON SCHEMA integrations TO integrations_command, integrations_query;
GRANT SELECT, INSERT ON integrations.events TO integrations_command;
GRANT SELECT ON integrations.recorder_events TO integrations_command;
GRANT SELECT, INSERT, UPDATE, DELETE ON integrations.integration_view TO integrations_command;
GRANT SELECT, INSERT, UPDATE, DELETE ON integrations.integration_counts TO integrations_command;
GRANT SELECT, INSERT ON integrations.history TO integrations_command;
GRANT SELECT, INSERT, DELETE ON integrations.secret_store TO integrations_command;
GRANT SELECT, INSERT, UPDATE, DELETE ON integrations.answers TO integrations_command;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA integrations TO integrations_command;
GRANT SELECT ON integrations.integration_view, integrations.integration_counts,
    integrations.history TO integrations_query;
GRANT SELECT ON integrations.migrations TO integrations_query;
GRANT SELECT ON integrations.migrations TO integrations_command;

-- Whoever replays the log only reads it.
GRANT USAGE ON SCHEMA integrations TO integrations_audit, integrations_rebuild;
GRANT SELECT ON integrations.events TO integrations_audit, integrations_rebuild;

-- Whoever rebuilds owns no table: the owner's functions make shadows of views, and switch.
REVOKE EXECUTE ON FUNCTION
    integrations.require_view(text),
    integrations.drop_shadows(text),
    integrations.open_shadow(text, integer),
    integrations.index_shadow(text, integer),
    integrations.copy_walls(text, text),
    integrations.switch_shadow(text, integer, bigint)
FROM integrations_command;
GRANT SELECT ON
    integrations.integration_view, integrations.history, integrations.integration_counts,
    integrations.projections
TO integrations_rebuild;
GRANT INSERT, DELETE ON integrations.integration_counts TO integrations_rebuild;
GRANT EXECUTE ON FUNCTION
    integrations.lock_log(),
    integrations.recount(),
    integrations.drop_shadows(text),
    integrations.open_shadow(text, integer),
    integrations.index_shadow(text, integer),
    integrations.switch_shadow(text, integer, bigint)
TO integrations_rebuild;

-- Whoever proves the log reads all that follows from it. A sealed secret without its wrapped key
-- opens nothing; it is compared with what the log says of it.
GRANT SELECT ON
    integrations.audit_tiles, integrations.audit_checkpoints, integrations.audit_follower,
    integrations.integration_view, integrations.history
TO integrations_audit;
GRANT SELECT (workspace_id, stream, field, version, nonce, ciphertext)
ON integrations.secret_store TO integrations_audit;

-- Whoever follows the log reads it, adds to the trees and signs.
GRANT USAGE ON SCHEMA integrations TO integrations_follower;
GRANT SELECT ON integrations.events TO integrations_follower;
GRANT SELECT, INSERT, UPDATE ON integrations.audit_tiles TO integrations_follower;
GRANT SELECT, INSERT ON integrations.audit_checkpoints TO integrations_follower;
GRANT SELECT, UPDATE (position) ON integrations.audit_follower TO integrations_follower;
