-- Codes of links to the console, until they are used or too old (app/sign_in/sign_in_codes.py). `id` is
-- the SHA-256 of the code, and `sealed` the token that it stands for, under a key that only the code
-- gives: a copy of this table opens nothing.
CREATE TABLE integrations.console_codes (
    id         bytea       NOT NULL,
    sealed     bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT console_codes_id PRIMARY KEY (id)
);
CREATE INDEX console_codes_expiry ON integrations.console_codes (expires_at);
