-- +goose Up

CREATE TABLE limits (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    scope      TEXT COLLATE "C" NOT NULL CHECK (scope IN ('organization', 'department', 'team', 'user', 'key', 'project', 'model')),
    subject    TEXT COLLATE "C" NOT NULL CHECK (subject <> ''),
    metric     TEXT COLLATE "C" NOT NULL CHECK (metric IN ('credits', 'requests_per_minute', 'tokens_per_minute')),
    credits    BIGINT NOT NULL,
    rate       BIGINT NOT NULL,
    mode       TEXT NOT NULL CHECK (mode IN ('enforce', 'shadow', 'off')),
    version    BIGINT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, scope, subject, metric),
    CONSTRAINT limits_amount CHECK (CASE metric
        WHEN 'credits' THEN credits BETWEEN 0 AND 9000000000000000 AND rate = 0
        ELSE rate BETWEEN 1 AND 60000000 AND credits = 0 END)
);

CREATE TABLE adjustments (
    org_id       TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id           TEXT COLLATE "C" NOT NULL CHECK (id ~ '^adj_[0-9A-Za-z]+$'),
    budget       TEXT COLLATE "C" NOT NULL CHECK (budget IN ('personal', 'pool', 'overdraft')),
    subject      TEXT COLLATE "C" NOT NULL CHECK (subject <> ''),
    amount       BIGINT NOT NULL CHECK (amount BETWEEN -9000000000000000 AND 9000000000000000),
    effective_at TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ, -- null: for ever
    kind         TEXT NOT NULL CHECK (kind IN ('manual', 'transfer', 'vacation', 'debt')),
    group_id     TEXT COLLATE "C" NOT NULL, -- a move, or ''
    on_counter   BOOLEAN NOT NULL,
    reason       TEXT NOT NULL,
    actor        TEXT NOT NULL, -- '' is the system
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CHECK (expires_at >= effective_at)
);
CREATE INDEX adjustments_subject ON adjustments (org_id, budget, subject, expires_at);
CREATE INDEX adjustments_group ON adjustments (org_id, group_id) WHERE group_id <> '';
CREATE TRIGGER adjustments_stay BEFORE UPDATE OR DELETE ON adjustments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER adjustments_stay_whole BEFORE TRUNCATE ON adjustments EXECUTE FUNCTION refuse_change();

-- Credits are moved, never made: the adjustments of a move sum to zero when
-- its transaction ends.
-- +goose StatementBegin
CREATE FUNCTION balance_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount) FROM adjustments WHERE org_id = NEW.org_id AND group_id = NEW.group_id) <> 0 THEN
        RAISE EXCEPTION 'the adjustments of % do not sum to zero', NEW.group_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'move_balances', TABLE = 'adjustments';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER adjustments_balance AFTER INSERT ON adjustments DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.group_id <> '') EXECUTE FUNCTION balance_move();

CREATE TABLE moves (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id         TEXT COLLATE "C" NOT NULL CHECK (id ~ '^mov_[0-9A-Za-z]+$'),
    outflow    JSONB NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('pending', 'done', 'undone')),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);
CREATE INDEX moves_pending ON moves (created_at) WHERE state = 'pending';

CREATE TABLE transfers (
    org_id       TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL CHECK (id ~ '^trf_[0-9A-Za-z]+$'),
    move_id      TEXT COLLATE "C" NOT NULL CHECK (move_id <> ''),
    sender_id    TEXT COLLATE "C" NOT NULL,
    recipient_id TEXT COLLATE "C" NOT NULL CHECK (recipient_id <> sender_id),
    amount       BIGINT NOT NULL CHECK (amount BETWEEN 1 AND 9000000000000000),
    reason       TEXT NOT NULL,
    window_start TIMESTAMPTZ NOT NULL,
    window_end   TIMESTAMPTZ NOT NULL CHECK (window_end > window_start),
    created_at   TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, sender_id) REFERENCES users,
    FOREIGN KEY (org_id, recipient_id) REFERENCES users,
    CONSTRAINT transfers_move UNIQUE (org_id, move_id) -- one move is booked once
);
CREATE INDEX transfers_sender ON transfers (org_id, sender_id, id);
CREATE INDEX transfers_recipient ON transfers (org_id, recipient_id, id);
CREATE TRIGGER transfers_stay BEFORE UPDATE OR DELETE ON transfers FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE releases (
    org_id       TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    team_id      TEXT COLLATE "C" NOT NULL,
    window_start TIMESTAMPTZ NOT NULL,
    window_end   TIMESTAMPTZ NOT NULL CHECK (window_end > window_start),
    amount       BIGINT NOT NULL CHECK (amount BETWEEN 0 AND 9000000000000000),
    move_id      TEXT COLLATE "C" NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, window_start, window_end, user_id, team_id),
    FOREIGN KEY (org_id, user_id) REFERENCES users
);
