-- +goose Up

-- History names people, teams and models by id, without foreign keys: what
-- happened cannot be refused because somebody has gone since. '' is none.

CREATE TABLE usage_events (
    occurred_on    DATE NOT NULL, -- the UTC day of at
    at             TIMESTAMPTZ NOT NULL,
    org_id         TEXT COLLATE "C" NOT NULL,
    reservation_id TEXT COLLATE "C" NOT NULL,
    kind           TEXT COLLATE "C" NOT NULL CHECK (kind IN ('settle', 'void', 'expired', 'adjust')),
    request_id     TEXT COLLATE "C" NOT NULL,
    decision_id    TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    key_id         TEXT COLLATE "C" NOT NULL,
    team_id        TEXT COLLATE "C" NOT NULL,
    department_id  TEXT COLLATE "C" NOT NULL,
    project_id     TEXT COLLATE "C" NOT NULL,
    model          TEXT NOT NULL,
    provider       TEXT NOT NULL,
    priority       TEXT NOT NULL,
    private        BOOLEAN NOT NULL,
    stream         BOOLEAN NOT NULL,
    input          BIGINT NOT NULL,
    cached_input   BIGINT NOT NULL,
    cache_write    BIGINT NOT NULL,
    output         BIGINT NOT NULL,
    reasoning      BIGINT NOT NULL,
    estimated      BOOLEAN NOT NULL,
    overrun        BOOLEAN NOT NULL,
    late           BOOLEAN NOT NULL,
    degraded       TEXT NOT NULL,
    held           BIGINT NOT NULL,
    cost           BIGINT NOT NULL CHECK (cost >= 0 OR kind = 'adjust'),
    charges        JSONB NOT NULL,
    legs           JSONB NOT NULL,
    card_version   BIGINT NOT NULL,
    input_bound    BIGINT NOT NULL,
    output_limit   BIGINT NOT NULL,
    shrunk         BOOLEAN NOT NULL,
    status         BIGINT NOT NULL,
    outcome        TEXT NOT NULL,
    shadow         TEXT[] NOT NULL,
    millis         BIGINT NOT NULL,
    recorded_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    CHECK (occurred_on = (at AT TIME ZONE 'UTC')::date),
    CONSTRAINT usage_events_once UNIQUE (occurred_on, reservation_id, kind)
) PARTITION BY RANGE (occurred_on);
CREATE INDEX usage_events_org ON usage_events (org_id, at, reservation_id, kind);
CREATE INDEX usage_events_user ON usage_events (org_id, user_id, at, reservation_id, kind);
CREATE INDEX usage_events_decision ON usage_events (decision_id);
CREATE TRIGGER usage_events_stay BEFORE UPDATE OR DELETE ON usage_events FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- A day's partition is made beside the table and attached, which does not
-- stop readers and writers of the other days. Dropping a day's table is how
-- history is thinned.
-- +goose StatementBegin
CREATE FUNCTION ensure_usage_partition(day DATE) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    part TEXT := 'usage_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    FOR try IN 1..2 LOOP
        -- Not to_regclass: it may remember that there was none before the lock.
        IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                   WHERE i.inhparent = 'usage_events'::regclass AND c.relname = part) THEN
            RETURN;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtextextended('usage partition', 0));
    END LOOP;
    EXECUTE format('CREATE TABLE %I (LIKE usage_events INCLUDING ALL)', part);
    EXECUTE format('ALTER TABLE usage_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', part, day, day + 1);
END $$;
-- +goose StatementEnd

-- What each counter of the live store has settled: what a rebuild reads.
CREATE TABLE counter_usage (
    org_id       TEXT COLLATE "C" NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL,
    window_start TIMESTAMPTZ NOT NULL,
    window_end   TIMESTAMPTZ NOT NULL,
    settled      BIGINT NOT NULL,
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, kind, subject, window_start)
);

CREATE TABLE usage_hourly (
    org_id        TEXT COLLATE "C" NOT NULL,
    hour          TIMESTAMPTZ NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    team_id       TEXT COLLATE "C" NOT NULL,
    department_id TEXT COLLATE "C" NOT NULL,
    project_id    TEXT COLLATE "C" NOT NULL,
    model         TEXT COLLATE "C" NOT NULL,
    provider      TEXT COLLATE "C" NOT NULL,
    requests      BIGINT NOT NULL,
    estimated     BIGINT NOT NULL, -- of requests: charged without a reported usage
    input         BIGINT NOT NULL,
    cached_input  BIGINT NOT NULL,
    cache_write   BIGINT NOT NULL,
    output        BIGINT NOT NULL,
    reasoning     BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    PRIMARY KEY (org_id, hour, user_id, team_id, department_id, project_id, model, provider)
);
CREATE INDEX usage_hourly_user ON usage_hourly (org_id, user_id, hour);

-- Refusals. An admitted request is explained from its usage event.
CREATE TABLE decisions (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    org_id      TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    at          TIMESTAMPTZ NOT NULL,
    code        TEXT NOT NULL,
    decision    JSONB NOT NULL,
    recorded_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX decisions_user ON decisions (org_id, user_id, at);

-- Entries of the stream that could not be read, for a person to look at.
CREATE TABLE stream_set_aside (
    org_id     TEXT COLLATE "C" NOT NULL,
    entry      TEXT COLLATE "C" NOT NULL,
    raw        BYTEA NOT NULL,
    reason     TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, entry)
);

CREATE TABLE audit_events (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    seq        BIGINT NOT NULL CHECK (seq > 0),
    at         TIMESTAMPTZ NOT NULL,
    actor_id   TEXT COLLATE "C" NOT NULL, -- '' is the system
    actor_name TEXT NOT NULL,
    action     TEXT COLLATE "C" NOT NULL CHECK (action <> ''),
    subject    TEXT COLLATE "C" NOT NULL,
    before     JSON, -- not JSONB: the hash is over the bytes
    after      JSON,
    reason     TEXT NOT NULL,
    ip         TEXT NOT NULL,
    request_id TEXT NOT NULL,
    prev_hash  TEXT COLLATE "C" NOT NULL CHECK ((prev_hash = '') = (seq = 1)),
    hash       TEXT COLLATE "C" NOT NULL CHECK (hash <> ''),
    PRIMARY KEY (org_id, seq),
    CONSTRAINT audit_events_chain UNIQUE (org_id, prev_hash) -- a chain does not fork
);
CREATE INDEX audit_events_actor ON audit_events (org_id, actor_id, seq);
CREATE INDEX audit_events_subject ON audit_events (org_id, subject, seq);
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_events_stay_whole BEFORE TRUNCATE ON audit_events EXECUTE FUNCTION refuse_change();

CREATE TABLE inbox (
    org_id     TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL CHECK (id <> ''),
    user_id    TEXT COLLATE "C" NOT NULL,
    kind       TEXT NOT NULL CHECK (kind <> ''),
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    ref        TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    read_at    TIMESTAMPTZ,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, user_id) REFERENCES users
);
CREATE INDEX inbox_user ON inbox (org_id, user_id, created_at, id);
