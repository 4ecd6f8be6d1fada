-- Behind a wall (walls.sql) only plain comparisons of columns use an index, and || is none: the
-- value for action and actor that history_actor_action is about becomes a column.
DROP INDEX integrations.history_actor_action;
ALTER TABLE integrations.history ADD COLUMN action_actor text NOT NULL
    GENERATED ALWAYS AS (action || ' ' || actor_id) STORED;
CREATE UNIQUE INDEX history_actor_action
    ON integrations.history (workspace_id, action_actor, actor_action_sequence);
