-- Merkle trees over the stored envelopes, as app/audit/tiles.py lays them out, and the checkpoints
-- signed over them. There is one tree a workspace and one over the whole log; its workspace_id is
-- '*', which no workspace is called. All of them move together, by integrations.audit_follower.
CREATE TABLE integrations.audit_tiles (
    workspace_id text    NOT NULL,
    level        integer NOT NULL,
    number       bigint  NOT NULL,
    hashes       bytea   NOT NULL,
    CONSTRAINT audit_tiles_number PRIMARY KEY (workspace_id, level, number)
);
ALTER TABLE integrations.audit_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;  -- no hash gets shorter

CREATE TABLE integrations.audit_checkpoints (
    workspace_id text        NOT NULL,
    size         bigint      NOT NULL,
    position     bigint      NOT NULL,
    note         text        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_checkpoints_size PRIMARY KEY (workspace_id, size)
);
CREATE INDEX audit_checkpoints_position ON integrations.audit_checkpoints (position);
CREATE TRIGGER audit_checkpoints_never_change BEFORE UPDATE ON integrations.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER audit_checkpoints_never_go BEFORE TRUNCATE ON integrations.audit_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();

-- Of each day that is over, the last checkpoint of each tree is kept (docs/audit.md). The trigger holds
-- the rule, so that nobody who may delete can delete another one.
CREATE FUNCTION integrations.keep_checkpoint() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.at < now() - interval '24 hours' AND EXISTS (
        SELECT FROM integrations.audit_checkpoints AS later
        WHERE later.workspace_id = OLD.workspace_id AND later.size > OLD.size
            AND (later.at AT TIME ZONE 'UTC')::date = (OLD.at AT TIME ZONE 'UTC')::date
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'this checkpoint is kept: % is refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_checkpoints_stay BEFORE DELETE ON integrations.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION integrations.keep_checkpoint();

-- Each change of the key that signs checkpoints (app/audit/key_changes.py).
CREATE TABLE integrations.audit_key_changes (
    number   integer     NOT NULL,
    note     text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT audit_key_changes_number PRIMARY KEY (number)
);
CREATE TRIGGER audit_key_changes_never_change BEFORE UPDATE OR DELETE ON integrations.audit_key_changes
    FOR EACH ROW EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER audit_key_changes_never_go BEFORE TRUNCATE ON integrations.audit_key_changes
    FOR EACH STATEMENT EXECUTE FUNCTION integrations.refuse_change();

-- Up to which position the log is in the trees, and the verifier key of what signs; one row. The two
-- move together, so that nothing is signed by a key that has just been replaced.
CREATE TABLE integrations.audit_follower (
    position bigint  NOT NULL DEFAULT 0,
    verifier text,
    only_row boolean NOT NULL DEFAULT true CHECK (only_row),
    CONSTRAINT audit_follower_row PRIMARY KEY (only_row)
);
INSERT INTO integrations.audit_follower DEFAULT VALUES;
