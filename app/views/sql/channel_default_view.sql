-- Rows of projections/channel_default_view.py: the fields of ChannelDefaultRow, in its order.
CREATE TABLE integrations.channel_default_view (
    workspace_id   text        NOT NULL,
    id             text        NOT NULL,
    version        bigint      NOT NULL,
    integration_id text        NOT NULL,
    chosen_at      timestamptz NOT NULL,
    CONSTRAINT channel_default_view_id PRIMARY KEY (workspace_id, id)
);
