-- +goose Up

-- When it was decided and when the answer began, both from the request's
-- headers; null of what was recorded before that was measured.
ALTER TABLE usage_events ADD COLUMN decided_millis BIGINT, ADD COLUMN first_byte_millis BIGINT;

-- Ids are unique beyond their organisation, and a page is put in its last
-- order after it was found, so an index need not hold more. Where there are
-- millions of events this takes minutes, in which none is recorded: they wait
-- in Redis.
DROP INDEX usage_events_org;
DROP INDEX usage_events_user;
DROP INDEX usage_events_team;
DROP INDEX usage_events_project;
DROP INDEX usage_events_trouble;
CREATE INDEX usage_events_org ON usage_events (org_id, at);
CREATE INDEX usage_events_user ON usage_events (user_id, at);
CREATE INDEX usage_events_team ON usage_events (team_id, at) WHERE team_id <> '';
CREATE INDEX usage_events_project ON usage_events (project_id, at) WHERE project_id <> '';
CREATE INDEX usage_events_trouble ON usage_events (org_id, at) WHERE outcome <> 'completed';

-- The charges of an event, one row for each counter, however they were written:
-- as an array of objects, or short. The short form is text:
--
--   1793491200/1796083200 org user personal team=team_7:250
--
-- The counters of one window stand behind its start and end, ';' separates
-- windows. A counter is its kind, its subject unless that is the event's own,
-- and its amount unless that is the event's cost.
-- It is strict so that it is not inlined, which Postgres 15 fails to plan.
-- +goose StatementBegin
CREATE FUNCTION usage_charges(e usage_events) RETURNS TABLE (kind TEXT, subject TEXT, window_start TIMESTAMPTZ, window_end TIMESTAMPTZ, amount BIGINT)
LANGUAGE sql STABLE STRICT AS $$
    SELECT c -> 'counter' ->> 'kind', c -> 'counter' ->> 'subject', (c -> 'counter' -> 'window' ->> 'start')::timestamptz,
        (c -> 'counter' -> 'window' ->> 'end')::timestamptz, ((c ->> 'amount')::numeric * 1000000)::bigint
    FROM jsonb_array_elements(CASE jsonb_typeof(e.charges) WHEN 'array' THEN e.charges ELSE '[]' END) AS c
  UNION ALL
    SELECT k.kind, CASE WHEN strpos(k.named, '=') > 0 THEN split_part(k.named, '=', 2) ELSE CASE k.kind
            WHEN 'org' THEN e.org_id WHEN 'dept' THEN e.department_id WHEN 'team' THEN e.team_id WHEN 'pool' THEN e.team_id WHEN 'key' THEN e.key_id
            WHEN 'project' THEN e.project_id WHEN 'model' THEN e.model WHEN 'share' THEN e.team_id || '/' || e.user_id ELSE e.user_id END END,
        to_timestamp(split_part(w.bounds, '/', 1)::bigint), to_timestamp(split_part(w.bounds, '/', 2)::bigint), k.amount
    FROM string_to_table(CASE jsonb_typeof(e.charges) WHEN 'string' THEN e.charges #>> '{}' END, ';') AS line,
        LATERAL (SELECT split_part(line, ' ', 1) AS bounds, substr(line, strpos(line, ' ') + 1) AS words) w,
        LATERAL (SELECT split_part(word, ':', 1) AS named, split_part(split_part(word, ':', 1), '=', 1) AS kind,
            coalesce(nullif(split_part(word, ':', 2), '')::bigint, e.cost) AS amount FROM string_to_table(w.words, ' ') AS word) k
$$;
-- +goose StatementEnd
