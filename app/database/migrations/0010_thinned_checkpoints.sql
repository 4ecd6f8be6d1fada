-- Checkpoints are thinned: of each day that is over, the last of each tree stays (docs/audit.md).
-- The trigger holds the rule, so that whoever may delete can let no other one go.
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
DROP TRIGGER audit_checkpoints_never_change ON integrations.audit_checkpoints;
CREATE TRIGGER audit_checkpoints_never_change BEFORE UPDATE ON integrations.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION integrations.refuse_change();
CREATE TRIGGER audit_checkpoints_stay BEFORE DELETE ON integrations.audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION integrations.keep_checkpoint();
