-- +goose Up

-- The directory's orders, of people who are there.
CREATE INDEX users_by_name ON users (org_id, lower(name), id) WHERE deleted_at IS NULL;
CREATE INDEX users_by_age ON users (org_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX users_by_department ON users (org_id, department_id) WHERE deleted_at IS NULL;
-- Who uses most in a window; it also counts whose are there without reading them.
CREATE INDEX counter_usage_most ON counter_usage (org_id, kind, window_start, settled, subject);
CREATE INDEX decisions_org ON decisions (org_id, at, id);
CREATE INDEX transfers_time ON transfers (org_id, id);

-- A page's filters and order under a name, each person's own.
CREATE TABLE saved_views (
    org_id     TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL CHECK (id <> ''),
    page       TEXT COLLATE "C" NOT NULL,
    name       TEXT NOT NULL,
    query      TEXT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, user_id, id),
    FOREIGN KEY (org_id, user_id) REFERENCES users
);

-- A change of many people. Its rows are written when it is made, and each is
-- carried out and marked in one transaction, so none is carried out twice.
CREATE TABLE bulk_jobs (
    org_id      TEXT COLLATE "C" NOT NULL REFERENCES organizations,
    id          TEXT COLLATE "C" NOT NULL CHECK (id ~ '^job_[0-9A-Za-z]+$'),
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('suspend', 'activate', 'quota', 'team_add', 'team_remove', 'import_people')),
    dry_run     BOOLEAN NOT NULL,
    change      JSONB NOT NULL, -- what each row is given
    reason      TEXT NOT NULL,
    created_by  TEXT COLLATE "C" NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    started_at  TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    error       TEXT NOT NULL, -- why it stopped before the end, or ''
    PRIMARY KEY (org_id, id)
);
CREATE INDEX bulk_jobs_waiting ON bulk_jobs (id) WHERE finished_at IS NULL;
CREATE TABLE bulk_job_rows (
    org_id  TEXT COLLATE "C" NOT NULL,
    job_id  TEXT COLLATE "C" NOT NULL,
    row     BIGINT NOT NULL CHECK (row > 0),
    subject TEXT COLLATE "C" NOT NULL, -- a person's id, or '' while there is none
    label   TEXT NOT NULL,
    given   JSONB NOT NULL, -- of an import: the fields of the line
    outcome TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('pending', 'changed', 'unchanged', 'failed')),
    action  TEXT NOT NULL,
    changes JSONB NOT NULL,
    error   JSONB,
    PRIMARY KEY (org_id, job_id, row),
    FOREIGN KEY (org_id, job_id) REFERENCES bulk_jobs
);
CREATE INDEX bulk_job_rows_pending ON bulk_job_rows (org_id, job_id, row) WHERE outcome = 'pending';

-- Credits that an admin moved between people and teams.
ALTER TABLE adjustments DROP CONSTRAINT adjustments_kind_check;
ALTER TABLE adjustments ADD CONSTRAINT adjustments_kind_check CHECK (kind IN ('manual', 'transfer', 'vacation', 'debt', 'reallocation'));

-- Whether the first steps were put away.
CREATE TABLE onboarding (
    org_id       TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES organizations,
    dismissed_at TIMESTAMPTZ
);

-- Demo data is known by its ids, which begin with a time that never comes. It
-- can be taken away again as a whole, append-only or not.
-- +goose StatementBegin
CREATE FUNCTION is_demo(id TEXT) RETURNS BOOLEAN LANGUAGE sql IMMUTABLE AS $$
    SELECT id ~ '^[a-z]+_7ZDEM0'
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('alfred.removes_demo', true) = 'on' THEN
        -- Of events, which lie in the tables of their days, the person says it.
        IF TG_TABLE_NAME IN ('users', 'transfers', 'adjustments') AND is_demo(to_jsonb(OLD)->>'id')
            OR TG_TABLE_NAME LIKE 'usage\_events%' AND is_demo(to_jsonb(OLD)->>'user_id') THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
