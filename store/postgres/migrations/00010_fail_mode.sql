-- +goose Up

-- A limit may be stricter in an outage than its organisation is.
ALTER TABLE limits ADD COLUMN fail_mode TEXT NOT NULL DEFAULT '' CHECK (fail_mode IN ('', 'deny', 'local', 'allow'));

ALTER TABLE organizations DROP CONSTRAINT organizations_settings, ADD CONSTRAINT organizations_settings CHECK (coalesce(
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
    AND settings->>'fail_mode' IN ('deny', 'local', 'allow')
    AND settings->>'reap_policy' IN ('estimate', 'input_only', 'zero')
    AND (settings->>'hold_seconds')::numeric BETWEEN 10 AND 3600, false));
