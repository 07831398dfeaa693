-- +goose Up

-- Where an organisation is told of things outside the web app. The address is
-- sealed with a key that is not in the database.
CREATE TABLE channels (
    org_id       TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id           TEXT COLLATE "C" NOT NULL CHECK (id ~ '^chn_[0-9A-Za-z]+$'),
    kind         TEXT COLLATE "C" NOT NULL CHECK (kind IN ('slack')),
    name         TEXT NOT NULL CHECK (name <> ''),
    address      BYTEA NOT NULL,
    shown        TEXT NOT NULL, -- of the address
    from_percent INT NOT NULL CHECK (from_percent BETWEEN 0 AND 100), -- alerts from this threshold on; 0: none
    transfers    BOOLEAN NOT NULL,
    version      BIGINT NOT NULL DEFAULT 1,
    created_at   TIMESTAMPTZ NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX channels_name ON channels (org_id, lower(name));

-- Messages to channels. They are written in the transaction of what they tell
-- of, and sent after it until they arrive or a day has passed.
CREATE TABLE deliveries (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id         TEXT COLLATE "C" NOT NULL CHECK (id ~ '^dlv_[0-9A-Za-z]+$'),
    channel_id TEXT COLLATE "C" NOT NULL, -- 'environment' has no row in channels
    about      TEXT COLLATE "C" NOT NULL CHECK (about IN ('alert', 'transfer', 'test')),
    text       TEXT NOT NULL CHECK (text <> ''),
    state      TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'off')),
    attempts   INT NOT NULL CHECK (attempts >= 0),
    detail     TEXT NOT NULL, -- why the last attempt did not arrive
    next_at    TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    ended_at   TIMESTAMPTZ,
    PRIMARY KEY (org_id, id),
    CHECK ((state = 'pending') = (next_at IS NOT NULL)),
    CHECK ((state = 'pending') = (ended_at IS NULL))
);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'pending';
CREATE INDEX deliveries_channel ON deliveries (org_id, channel_id, id);

-- What was told of budgets, and up to which threshold in the windows that run.
CREATE TABLE alerts (
    org_id       TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id           TEXT COLLATE "C" NOT NULL CHECK (id ~ '^alr_[0-9A-Za-z]+$'),
    kind         TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    name         TEXT NOT NULL,
    window_start TIMESTAMPTZ NOT NULL,
    window_end   TIMESTAMPTZ NOT NULL,
    threshold    INT NOT NULL CHECK (threshold BETWEEN 1 AND 100),
    used         BIGINT NOT NULL,
    budget       BIGINT NOT NULL CHECK (budget > 0),
    shadow       BOOLEAN NOT NULL,
    at           TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, id)
);
CREATE TABLE alert_levels (
    org_id       TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    kind         TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    window_start TIMESTAMPTZ NOT NULL,
    window_end   TIMESTAMPTZ NOT NULL,
    threshold    INT NOT NULL CHECK (threshold BETWEEN 1 AND 100),
    PRIMARY KEY (org_id, kind, subject, window_start)
);

UPDATE organizations SET settings = settings || '{"alert_thresholds": [50, 75, 90, 100]}' WHERE NOT settings ? 'alert_thresholds';
