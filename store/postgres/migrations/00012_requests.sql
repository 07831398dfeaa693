-- +goose Up

-- A page of requests of a team, a project, or of what went wrong, is read in
-- order and no further than it goes.
CREATE INDEX usage_events_team ON usage_events (org_id, team_id, at, reservation_id, kind) WHERE team_id <> '';
CREATE INDEX usage_events_project ON usage_events (org_id, project_id, at, reservation_id, kind) WHERE project_id <> '';
CREATE INDEX usage_events_trouble ON usage_events (org_id, at, reservation_id, kind) WHERE outcome <> 'completed';
