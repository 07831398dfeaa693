-- +goose Up

-- Whom to ask in a team is the admin of it who joined first.
CREATE INDEX team_members_admins ON team_members (org_id, team_id, joined_at, user_id) WHERE is_admin;
