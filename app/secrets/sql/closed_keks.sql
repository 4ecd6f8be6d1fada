-- Keys under which no secret may be stored any more: removed from the keyring, or lost. They are
-- listed here because a worker may have sealed a secret under one and not stored it yet.
CREATE TABLE integrations.closed_keks (
    kek text        PRIMARY KEY,
    at  timestamptz NOT NULL DEFAULT now()
);
