-- +goose Up

-- What was written to an append-only table stays as it was written.
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME;
END $$;
-- +goose StatementEnd

CREATE TABLE organizations (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (id ~ '^org_[0-9A-Za-z]+$'),
    name       TEXT NOT NULL CHECK (name <> ''),
    settings   JSONB NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    -- A missing key makes the expression null, and null must not pass.
    CONSTRAINT organizations_settings CHECK (coalesce(
        settings->>'zone' <> ''
        AND settings->'window'->>'kind' IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'lifetime', 'range')
        AND (settings->>'default_personal_quota')::numeric BETWEEN 0 AND 9000000000
        AND (settings->>'default_team_pool')::numeric BETWEEN 0 AND 9000000000
        AND (settings->>'critical_overdraft_limit')::numeric BETWEEN 0 AND 9000000000
        AND (settings->>'transfer_free_limit')::numeric BETWEEN 0 AND 9000000000
        AND (settings->>'vacation_share_percentage')::numeric BETWEEN 0 AND 100
        AND settings->>'default_max_priority' IN ('low', 'normal', 'high', 'critical')
        AND settings->>'pool_sharing' IN ('equal', 'open')
        AND settings->>'transfers_by' IN ('members', 'admins')
        AND settings->>'fail_mode' IN ('deny', 'allow')
        AND settings->>'reap_policy' IN ('estimate', 'input_only', 'zero')
        AND (settings->>'hold_seconds')::numeric BETWEEN 10 AND 3600, false))
);

-- One row at most: once it is there, nobody becomes the first admin again.
CREATE TABLE deployment (
    single          BOOLEAN NOT NULL PRIMARY KEY DEFAULT true CHECK (single),
    bootstrapped_at TIMESTAMPTZ NOT NULL
);
CREATE TRIGGER deployment_stays BEFORE UPDATE OR DELETE ON deployment FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TABLE departments (
    org_id      TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id          TEXT COLLATE "C" NOT NULL CHECK (id ~ '^dep_[0-9A-Za-z]+$'),
    name        TEXT NOT NULL CHECK (name <> ''),
    cost_center TEXT NOT NULL,
    version     BIGINT NOT NULL DEFAULT 1,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id)
);

CREATE TABLE projects (
    org_id     TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id         TEXT COLLATE "C" NOT NULL CHECK (id ~ '^prj_[0-9A-Za-z]+$'),
    code       TEXT NOT NULL CHECK (code <> ''),
    name       TEXT NOT NULL,
    active     BOOLEAN NOT NULL,
    version    BIGINT NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, id),
    CONSTRAINT projects_code UNIQUE (org_id, code)
);

-- A version of the prices never changes: events name it, and history is never priced again.
CREATE TABLE rate_card_versions (
    org_id         TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    version        BIGINT NOT NULL CHECK (version > 0),
    effective_from TIMESTAMPTZ NOT NULL,
    rates          JSONB NOT NULL CHECK (jsonb_typeof(rates) = 'array'),
    created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, version)
);
CREATE TRIGGER rate_card_versions_stay BEFORE UPDATE OR DELETE ON rate_card_versions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rate_card_versions_stay_whole BEFORE TRUNCATE ON rate_card_versions EXECUTE FUNCTION refuse_change();

CREATE TABLE models (
    org_id             TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    name               TEXT NOT NULL CHECK (name <> ''),
    provider           TEXT NOT NULL,
    max_output         BIGINT NOT NULL CHECK (max_output >= 0),
    output_limit_field TEXT NOT NULL,
    part_bound         BIGINT NOT NULL CHECK (part_bound >= 0),
    created_at         TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at         TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (org_id, name)
);
