-- What each role may do, and nothing else (docs/roles.md); run after every migration. A role is
-- taken on by SET ROLE. Whose rows it may see is in row_level_security.sql.
DO $$
DECLARE
    role_name text;
    -- From PostgreSQL 16 on, who creates a role is its member but may not act as it.
    taking_on text := CASE
        WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
    END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'integrations_command', 'integrations_query', 'integrations_past', 'integrations_audit',
        'integrations_rebuild', 'integrations_follower', 'integrations_rewrap',
        'integrations_recorder'
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
        EXECUTE format('REVOKE ALL ON SCHEMA integrations FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA integrations FROM %I', role_name);
        EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA integrations FROM %I', role_name);
        EXECUTE format('GRANT USAGE ON SCHEMA integrations TO %I', role_name);
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA integrations FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA integrations FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA integrations FROM PUBLIC;

-- Requests that change something: they add to the log, and never change it.
GRANT SELECT, INSERT ON integrations.events TO integrations_command;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    integrations.integration_view, integrations.integration_counts,
    integrations.idempotent_responses
TO integrations_command;
GRANT SELECT, INSERT, UPDATE ON integrations.snapshots TO integrations_command;
GRANT SELECT, INSERT, DELETE ON integrations.secret_store TO integrations_command;
GRANT SELECT ON integrations.closed_keks, integrations.migrations TO integrations_command;
GRANT EXECUTE ON FUNCTION
    integrations.lock_log(),
    integrations.head(),
    integrations.append(jsonb),
    integrations.record_batch(jsonb),
    integrations.record_each(text[]),
    integrations.load_streams(text[], text[], bigint[], text, integer),
    integrations.delete_expired_responses(integer),
    integrations.keks_in_use()
TO integrations_command;

-- Requests that read what is now.
GRANT SELECT ON
    integrations.integration_view, integrations.integration_counts, integrations.migrations
TO integrations_query;
GRANT SELECT (workspace_id, sequence) ON integrations.events TO integrations_query;
GRANT EXECUTE ON FUNCTION
    integrations.get_integrations(text[], text[]),
    integrations.list_integrations(text[]),
    integrations.search_integrations(text)
TO integrations_query;

-- Requests that look back: the history, integrations as they were, and proofs.
GRANT SELECT ON
    integrations.events, integrations.audit_tiles, integrations.audit_checkpoints
TO integrations_past;
GRANT EXECUTE ON FUNCTION
    integrations.sequence_at(text, bigint),
    integrations.head()
TO integrations_past;
GRANT SELECT ON integrations.migrations TO integrations_past;

-- The role that replays or verifies the log reads all that follows from it. A sealed secret without its
-- wrapped key opens nothing; it is compared with what the log says of it.
GRANT SELECT ON
    integrations.events, integrations.integration_view, integrations.audit_tiles,
    integrations.audit_checkpoints, integrations.audit_follower, integrations.snapshots
TO integrations_audit;
GRANT EXECUTE ON FUNCTION integrations.sequence_at(text, bigint) TO integrations_audit;
GRANT SELECT (workspace_id, stream, field, version, nonce, ciphertext)
ON integrations.secret_store TO integrations_audit;

-- The role that rebuilds owns no table: the owner's functions make shadows of views, and switch.
GRANT SELECT ON
    integrations.events, integrations.integration_view, integrations.integration_counts,
    integrations.projections
TO integrations_rebuild;
GRANT INSERT, DELETE ON integrations.integration_counts TO integrations_rebuild;
GRANT EXECUTE ON FUNCTION
    integrations.lock_log(),
    integrations.recount(),
    integrations.create_shadow(text, integer),
    integrations.build_index(text, integer, text),
    integrations.analyze_shadow(text, integer),
    integrations.switch_shadow(text, integer, bigint)
TO integrations_rebuild;

-- The role that follows the log reads it, adds to the trees and signs; a trigger says which checkpoints
-- may go.
GRANT SELECT ON integrations.events TO integrations_follower;
GRANT SELECT, INSERT, UPDATE ON integrations.audit_tiles TO integrations_follower;
GRANT SELECT, INSERT, DELETE ON integrations.audit_checkpoints TO integrations_follower;
GRANT SELECT, UPDATE (position) ON integrations.audit_follower TO integrations_follower;

-- The role that rewraps keys sees all of them, and no secret: not even sealed.
GRANT SELECT (workspace_id, stream, field, version, kek, wrapped_key), UPDATE (kek, wrapped_key)
ON integrations.secret_store TO integrations_rewrap;
GRANT SELECT, INSERT ON integrations.closed_keks TO integrations_rewrap;
GRANT EXECUTE ON FUNCTION integrations.lock_log() TO integrations_rewrap;

-- Whatever follows the log reads it by position through the library's recorder, which knows no
-- workspaces.
GRANT SELECT ON integrations.events, integrations.recorder_events TO integrations_recorder;
