-- +goose Up

-- A service account is a row of users that no person is: it has keys and a
-- team, and neither an address nor a role. Its email_key is its id, which no
-- address is.
ALTER TABLE users
    ADD COLUMN kind        TEXT COLLATE "C" NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'service')),
    ADD COLUMN cost_center TEXT NOT NULL DEFAULT '', -- of a service account
    ADD CONSTRAINT users_service CHECK (CASE kind
        WHEN 'service' THEN email = '' AND email_key = id AND access_role = 'member' AND status IN ('active', 'suspended')
        ELSE email <> '' AND cost_center = '' END);
CREATE INDEX users_services ON users (org_id, id) WHERE kind = 'service';

-- It never administers: neither the organisation nor a team.
-- +goose StatementBegin
CREATE FUNCTION services_never_administer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM users WHERE org_id = NEW.org_id AND id = NEW.user_id AND kind = 'service') THEN
        RAISE EXCEPTION 'a service account does not administer a team'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'service_admin', TABLE = 'team_members';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER team_members_service BEFORE INSERT OR UPDATE ON team_members FOR EACH ROW WHEN (NEW.is_admin) EXECUTE FUNCTION services_never_administer();
