-- +goose Up

-- When a person was seen last: when one of their keys was used. It has a table
-- of its own, since it changes with nearly everything that is recorded, and
-- people are indexed by much else.
CREATE TABLE user_seen (
    org_id  TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (org_id, user_id)
) WITH (fillfactor = 80);
CREATE INDEX user_seen_order ON user_seen (org_id, seen_at, user_id);

-- Whoever notes that keys were used keeps it, an older alfred-admin too.
-- +goose StatementBegin
CREATE FUNCTION keep_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_seen (org_id, user_id, seen_at)
    SELECT org_id, user_id, max(last_used_at) FROM used WHERE last_used_at IS NOT NULL GROUP BY org_id, user_id ORDER BY org_id, user_id
    ON CONFLICT (org_id, user_id) DO UPDATE SET seen_at = EXCLUDED.seen_at WHERE user_seen.seen_at < EXCLUDED.seen_at;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER api_keys_seen_at_birth AFTER INSERT ON api_keys REFERENCING NEW TABLE AS used FOR EACH STATEMENT EXECUTE FUNCTION keep_seen();
CREATE TRIGGER api_keys_seen AFTER UPDATE ON api_keys REFERENCING NEW TABLE AS used FOR EACH STATEMENT EXECUTE FUNCTION keep_seen();
INSERT INTO user_seen (org_id, user_id, seen_at)
SELECT org_id, user_id, max(last_used_at) FROM api_keys WHERE last_used_at IS NOT NULL GROUP BY 1, 2;

-- What begins with a text is found by these, whatever the database's locale.
CREATE INDEX users_name_begins ON users (org_id, (lower(name) COLLATE "C")) WHERE deleted_at IS NULL;
CREATE INDEX users_email_begins ON users (org_id, (email_key COLLATE "C")) WHERE deleted_at IS NULL;
CREATE INDEX api_keys_prefix ON api_keys (org_id, (prefix COLLATE "C"));

-- What has a text somewhere, of three letters or more, is found by trigrams
-- where the server has them. Elsewhere everyone is looked at: a tenth of a
-- second for 100,000 people.
-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE INDEX users_name_has ON users USING gin (lower(name) gin_trgm_ops) WHERE deleted_at IS NULL;
        CREATE INDEX users_email_has ON users USING gin (email_key gin_trgm_ops) WHERE deleted_at IS NULL;
    END IF;
EXCEPTION WHEN insufficient_privilege OR undefined_object OR undefined_file THEN
    RAISE NOTICE 'people are searched without pg_trgm: %', SQLERRM;
END $$;
-- +goose StatementEnd
