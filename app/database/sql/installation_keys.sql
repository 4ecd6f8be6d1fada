-- Which keys this installation has (app/database/key_fingerprints.py): by fingerprints, which reveal nothing
-- of them. A start compares them with the key files of its host.
CREATE TABLE integrations.installation_keys (
    kind        text        NOT NULL CHECK (kind IN ('audit key', 'token key', 'lease key', 'KEK')),
    name        text        NOT NULL,
    fingerprint text        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT installation_keys_name PRIMARY KEY (kind, name)
);
