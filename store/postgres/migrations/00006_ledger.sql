-- +goose Up

-- What transfers, releases and returns have taken off a counter of the live
-- store stands beside what was spent, so that a rebuild finds both. A move adds
-- to it in the transaction that books it.
ALTER TABLE counter_usage ADD COLUMN outflow BIGINT NOT NULL DEFAULT 0;
CREATE INDEX counter_usage_open ON counter_usage (org_id, window_end);

INSERT INTO counter_usage (org_id, kind, subject, window_start, window_end, settled, outflow)
SELECT m.org_id, source -> 'counter' ->> 'kind', source -> 'counter' ->> 'subject',
    (source -> 'counter' -> 'window' ->> 'start')::timestamptz, (source -> 'counter' -> 'window' ->> 'end')::timestamptz, 0, sum(-a.amount)::bigint
FROM moves m
CROSS JOIN jsonb_array_elements(m.outflow -> 'Source') AS source
JOIN adjustments a ON a.org_id = m.org_id AND a.group_id = m.id AND a.on_counter
WHERE m.state = 'done'
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT (org_id, kind, subject, window_start) DO UPDATE SET outflow = EXCLUDED.outflow;

-- The last building of each organisation's live ledger.
CREATE TABLE ledger_epochs (
    org_id   TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES organizations,
    number   BIGINT NOT NULL CHECK (number > 0),
    lineage  TEXT NOT NULL, -- of the server that it was built on, '' when that is not known
    built_at TIMESTAMPTZ NOT NULL
);
