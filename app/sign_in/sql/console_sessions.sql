-- Who is signed in to the console (app/sign_in/sessions.py): `id` is the SHA-256 of the cookie, and
-- `sealed` the token of the session, under a key that only the cookie gives. `used_at` is right to the
-- minute.
CREATE TABLE integrations.console_sessions (
    id         bytea       NOT NULL,
    sealed     bytea       NOT NULL,
    used_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT console_sessions_id PRIMARY KEY (id)
);
CREATE INDEX console_sessions_use ON integrations.console_sessions (used_at);
CREATE INDEX console_sessions_expiry ON integrations.console_sessions (expires_at);
