-- +goose Up

CREATE TABLE users (
    org_id         TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id             TEXT COLLATE "C" NOT NULL CHECK (id ~ '^usr_[0-9A-Za-z]+$'),
    email          TEXT NOT NULL,
    email_key      TEXT NOT NULL CHECK (email_key <> ''), -- the address as it is compared, whatever the database's locale
    name           TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('active', 'on_vacation', 'suspended')),
    vacation_start TIMESTAMPTZ,
    vacation_until TIMESTAMPTZ,
    access_role    TEXT NOT NULL CHECK (access_role IN ('owner', 'admin', 'member')),
    department_id  TEXT COLLATE "C",
    quota          BIGINT CHECK (quota BETWEEN 0 AND 9000000000000000),
    max_priority   TEXT NOT NULL CHECK (max_priority IN ('', 'low', 'normal', 'high', 'critical')),
    version        BIGINT NOT NULL DEFAULT 1,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    deleted_at     TIMESTAMPTZ,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, department_id) REFERENCES departments
);
-- Deleting a person frees the address.
CREATE UNIQUE INDEX users_email ON users (org_id, email_key) WHERE deleted_at IS NULL;

-- An organisation that has an owner keeps one who can act. It is checked when
-- the transaction ends, under a lock, so that two owners cannot leave at once.
-- +goose StatementBegin
CREATE FUNCTION keep_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('owners:' || OLD.org_id, 0));
    IF NOT EXISTS (SELECT FROM users WHERE org_id = OLD.org_id AND access_role = 'owner' AND status <> 'suspended' AND deleted_at IS NULL) THEN
        RAISE EXCEPTION 'the last owner of % has to stay', OLD.org_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'last_owner', TABLE = 'users';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER users_keep_an_owner AFTER UPDATE ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.access_role = 'owner' AND OLD.status <> 'suspended' AND OLD.deleted_at IS NULL
        AND (NEW.access_role <> 'owner' OR NEW.status = 'suspended' OR NEW.deleted_at IS NOT NULL))
    EXECUTE FUNCTION keep_an_owner();
-- A person is never deleted for good: the ledger keeps the id.
CREATE TRIGGER users_stay BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE api_keys (
    org_id       TEXT COLLATE "C" NOT NULL,
    id           TEXT COLLATE "C" NOT NULL CHECK (id ~ '^key_[0-9A-Za-z]+$'),
    user_id      TEXT COLLATE "C" NOT NULL,
    name         TEXT NOT NULL,
    hash         TEXT COLLATE "C" NOT NULL CHECK (hash <> ''),
    prefix       TEXT NOT NULL,
    last4        TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('active', 'revoked')),
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
    revoked_at   TIMESTAMPTZ,
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, user_id) REFERENCES users,
    CONSTRAINT api_keys_hash UNIQUE (hash),
    CONSTRAINT api_keys_revoked CHECK ((status = 'revoked') = (revoked_at IS NOT NULL))
);
CREATE INDEX api_keys_user ON api_keys (org_id, user_id);

CREATE TABLE teams (
    org_id        TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id            TEXT COLLATE "C" NOT NULL CHECK (id ~ '^team_[0-9A-Za-z]+$'),
    department_id TEXT COLLATE "C",
    name          TEXT NOT NULL CHECK (name <> ''),
    description   TEXT NOT NULL,
    common_pool   BIGINT NOT NULL CHECK (common_pool BETWEEN 0 AND 9000000000000000),
    sharing       TEXT NOT NULL CHECK (sharing IN ('', 'equal', 'open')),
    default_quota BIGINT CHECK (default_quota BETWEEN 0 AND 9000000000000000),
    version       BIGINT NOT NULL DEFAULT 1,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    FOREIGN KEY (org_id, department_id) REFERENCES departments
);

CREATE TABLE team_members (
    org_id     TEXT COLLATE "C" NOT NULL,
    team_id    TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    is_admin   BOOLEAN NOT NULL,
    joined_at  TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, team_id, user_id),
    FOREIGN KEY (org_id, team_id) REFERENCES teams ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES users
);
CREATE INDEX team_members_user ON team_members (org_id, user_id);

CREATE TABLE project_members (
    org_id     TEXT COLLATE "C" NOT NULL,
    project_id TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, project_id, user_id),
    FOREIGN KEY (org_id, project_id) REFERENCES projects,
    FOREIGN KEY (org_id, user_id) REFERENCES users
);
CREATE INDEX project_members_user ON project_members (org_id, user_id);
