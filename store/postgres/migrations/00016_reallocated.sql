-- +goose Up

-- What an admin moved stands in the history of transfers too: a row for each
-- pair of ends, each a person or a team's pool.
ALTER TABLE transfers
    ADD COLUMN kind           TEXT COLLATE "C" NOT NULL DEFAULT 'transfer' CHECK (kind IN ('transfer', 'reallocation')),
    ADD COLUMN sender_team    TEXT COLLATE "C" NOT NULL DEFAULT '', -- a pool, or ''
    ADD COLUMN recipient_team TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN made_by        TEXT COLLATE "C" NOT NULL DEFAULT '', -- of a reallocation
    ALTER COLUMN sender_id DROP NOT NULL,
    ALTER COLUMN recipient_id DROP NOT NULL,
    DROP CONSTRAINT transfers_move,
    ADD CONSTRAINT transfers_ends CHECK (
        (sender_id IS NULL) = (sender_team <> '') AND (recipient_id IS NULL) = (recipient_team <> '')
        AND (sender_team = '' OR sender_team <> recipient_team)
        AND (kind = 'reallocation' OR (sender_team = '' AND recipient_team = '' AND made_by = '')));
-- One move is one transfer; a reallocation has its pairs.
CREATE UNIQUE INDEX transfers_move ON transfers (org_id, move_id) WHERE kind = 'transfer';
CREATE UNIQUE INDEX transfers_pair ON transfers (org_id, move_id, coalesce(sender_id, sender_team), coalesce(recipient_id, recipient_team));

-- Reallocations of before: what was taken is laid beside what was given, in
-- the order of their ids, and each overlap is a pair.
INSERT INTO transfers (org_id, id, move_id, kind, sender_id, sender_team, recipient_id, recipient_team, made_by, amount, reason, window_start, window_end, created_at)
SELECT o.org_id, 'trf_' || substr(i.id, 5) || substr(o.id, 5), o.group_id, 'reallocation',
    CASE o.budget WHEN 'personal' THEN o.subject END, CASE o.budget WHEN 'pool' THEN o.subject ELSE '' END,
    CASE i.budget WHEN 'personal' THEN i.subject END, CASE i.budget WHEN 'pool' THEN i.subject ELSE '' END,
    o.actor, least(o.upto, i.upto) - greatest(o.upto - o.part, i.upto - i.part), o.reason, o.effective_at, o.expires_at, o.created_at
FROM (SELECT *, -amount AS part, sum(-amount) OVER (PARTITION BY org_id, group_id ORDER BY id)::bigint AS upto
      FROM adjustments WHERE kind = 'reallocation' AND amount < 0) o
JOIN (SELECT *, amount AS part, sum(amount) OVER (PARTITION BY org_id, group_id ORDER BY id)::bigint AS upto
      FROM adjustments WHERE kind = 'reallocation' AND amount > 0) i ON i.org_id = o.org_id AND i.group_id = o.group_id
WHERE least(o.upto, i.upto) > greatest(o.upto - o.part, i.upto - i.part);
