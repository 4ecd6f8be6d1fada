-- Sealed secrets (docs/keys.md): mutable and deletable, unlike the log, so that keys can be
-- rewrapped and secrets destroyed. Nothing in here opens without the keyring.
CREATE TABLE integrations.secret_store (
    workspace_id text    NOT NULL,
    stream       text    NOT NULL,
    field        text    NOT NULL,
    version      integer NOT NULL,
    kek          text    NOT NULL,
    wrapped_key  bytea   NOT NULL,
    nonce        bytea   NOT NULL,
    ciphertext   bytea   NOT NULL,
    CONSTRAINT secret_store_version PRIMARY KEY (workspace_id, stream, field, version)
);
CREATE INDEX secret_store_kek ON integrations.secret_store (kek);
