-- +goose Up

-- usage_hourly is the finest sum: every other one can be made of it. What a
-- refusal was lands here too, with the outcome 'denied:<code>' and no request.
ALTER TABLE usage_hourly
    ADD COLUMN key_id   TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN outcome  TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN denials  BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN overruns BIGINT NOT NULL DEFAULT 0, -- of requests: cost more than was held
    ADD COLUMN millis   BIGINT NOT NULL DEFAULT 0; -- of all requests together

-- Hours whose events are all there are summed anew, with what was not kept of them. Older ones stay as they are.
-- +goose StatementBegin
DO $$
DECLARE
    since TIMESTAMPTZ := (SELECT min(occurred_on) FROM usage_events)::timestamp AT TIME ZONE 'UTC';
BEGIN
    DELETE FROM usage_hourly WHERE hour >= since;
    ALTER TABLE usage_hourly DROP CONSTRAINT usage_hourly_pkey;
    ALTER TABLE usage_hourly ADD PRIMARY KEY (org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome);
    INSERT INTO usage_hourly (org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome, requests, denials, estimated,
        overruns, input, cached_input, cache_write, output, reasoning, cost, millis)
    SELECT org_id, date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', user_id, team_id, department_id, project_id, model, provider, key_id, outcome,
        count(*) FILTER (WHERE kind <> 'adjust'), 0, count(*) FILTER (WHERE kind <> 'adjust' AND estimated), count(*) FILTER (WHERE kind <> 'adjust' AND overrun),
        sum(input), sum(cached_input), sum(cache_write), sum(output), sum(reasoning), sum(cost), coalesce(sum(millis) FILTER (WHERE kind <> 'adjust'), 0)
    FROM usage_events WHERE kind <> 'void' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10;
    INSERT INTO usage_hourly (org_id, hour, user_id, team_id, department_id, project_id, model, provider, key_id, outcome, requests, denials, estimated,
        input, cached_input, cache_write, output, reasoning, cost)
    SELECT org_id, date_trunc('hour', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', user_id, '', '', '', coalesce(decision->>'model', ''), '',
        coalesce(decision->>'key', ''), 'denied:' || code, 0, count(*), 0, 0, 0, 0, 0, 0, 0
    FROM decisions GROUP BY 1, 2, 3, 7, 9, 10;
END $$;
-- +goose StatementEnd
DROP INDEX usage_hourly_user;
CREATE INDEX usage_hourly_user ON usage_hourly (org_id, user_id, hour);
CREATE INDEX usage_hourly_team ON usage_hourly (org_id, team_id, hour);

-- Sums of one dimension each. at is when the hour, or the day or the month of
-- the organisation's time zone, begins. People and keys are summed over
-- models and outcomes, '' here; the finer sums of one person are in
-- usage_hourly.
CREATE TABLE usage_rollups (
    org_id       TEXT COLLATE "C" NOT NULL,
    grain        TEXT COLLATE "C" NOT NULL CHECK (grain IN ('hour', 'day', 'month')),
    dimension    TEXT COLLATE "C" NOT NULL CHECK (dimension IN ('organization', 'department', 'team', 'project', 'user', 'key')),
    at           TIMESTAMPTZ NOT NULL,
    subject      TEXT COLLATE "C" NOT NULL, -- '' of the organisation, and of what belongs to none
    model        TEXT COLLATE "C" NOT NULL,
    provider     TEXT COLLATE "C" NOT NULL,
    outcome      TEXT COLLATE "C" NOT NULL,
    requests     BIGINT NOT NULL,
    denials      BIGINT NOT NULL,
    estimated    BIGINT NOT NULL,
    overruns     BIGINT NOT NULL,
    input        BIGINT NOT NULL,
    cached_input BIGINT NOT NULL,
    cache_write  BIGINT NOT NULL,
    output       BIGINT NOT NULL,
    reasoning    BIGINT NOT NULL,
    cost         BIGINT NOT NULL,
    millis       BIGINT NOT NULL,
    PRIMARY KEY (org_id, grain, dimension, at, subject, model, provider, outcome)
) PARTITION BY LIST (grain);
CREATE TABLE usage_rollups_hour PARTITION OF usage_rollups FOR VALUES IN ('hour') WITH (fillfactor = 85);
CREATE TABLE usage_rollups_day PARTITION OF usage_rollups FOR VALUES IN ('day') WITH (fillfactor = 85);
CREATE TABLE usage_rollups_month PARTITION OF usage_rollups FOR VALUES IN ('month') WITH (fillfactor = 85);
CREATE INDEX usage_rollups_subject ON usage_rollups (org_id, grain, dimension, subject, at);

-- What the sums of a stretch of hours add to each dimension.
INSERT INTO usage_rollups (org_id, grain, dimension, at, subject, model, provider, outcome, requests, denials, estimated, overruns,
    input, cached_input, cache_write, output, reasoning, cost, millis)
SELECT h.org_id, d.grain, d.dimension,
    CASE d.grain WHEN 'hour' THEN h.hour ELSE date_trunc(d.grain, h.hour AT TIME ZONE (o.settings->>'zone')) AT TIME ZONE (o.settings->>'zone') END,
    d.subject, CASE WHEN d.total THEN '' ELSE h.model END, CASE WHEN d.total THEN '' ELSE h.provider END, CASE WHEN d.total THEN '' ELSE h.outcome END,
    sum(h.requests), sum(h.denials), sum(h.estimated), sum(h.overruns), sum(h.input), sum(h.cached_input), sum(h.cache_write), sum(h.output),
    sum(h.reasoning), sum(h.cost), sum(h.millis)
FROM usage_hourly h JOIN organizations o ON o.id = h.org_id, LATERAL (VALUES
    ('hour', 'organization', '', false), ('day', 'organization', '', false),
    ('hour', 'department', h.department_id, false), ('day', 'department', h.department_id, false),
    ('day', 'team', h.team_id, false), ('month', 'team', h.team_id, false),
    ('day', 'project', h.project_id, false), ('month', 'project', h.project_id, false),
    ('day', 'user', h.user_id, true), ('month', 'user', h.user_id, true),
    ('day', 'key', h.key_id, true), ('month', 'key', h.key_id, true)
) AS d (grain, dimension, subject, total)
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
