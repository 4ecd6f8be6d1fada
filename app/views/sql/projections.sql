-- Which version of each view's code made the rows that are served, and up to which position they
-- were rebuilt; version is null for a view that was never built. Only the tables that are named
-- here can be rebuilt, and only the owner writes names.
CREATE TABLE integrations.projections (
    name     text        NOT NULL,
    version  integer,
    position bigint      NOT NULL DEFAULT 0,
    built_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT projections_name PRIMARY KEY (name)
);
