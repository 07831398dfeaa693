-- +goose Up

CREATE TABLE idempotency_keys (
    org_id     TEXT COLLATE "C" NOT NULL, -- '' before there is an organisation
    actor      TEXT COLLATE "C" NOT NULL,
    key        TEXT COLLATE "C" NOT NULL CHECK (key <> ''),
    body_hash  TEXT NOT NULL,
    status     BIGINT NOT NULL, -- 0: still in flight
    header     JSONB NOT NULL,
    body       BYTEA NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, actor, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- What has to be published. Rows are added by the writer's transaction, under
-- a lock that makes them visible in the order of their numbers, and deleted,
-- each by its own number, once published.
CREATE TABLE outbox (
    seq        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    kind       TEXT NOT NULL CHECK (kind IN ('catalog', 'user')),
    subject    TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK ((kind = 'catalog') = (subject = ''))
);

-- +goose StatementBegin
CREATE FUNCTION tell_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('alfred_outbox', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER outbox_tell AFTER INSERT ON outbox EXECUTE FUNCTION tell_outbox();
