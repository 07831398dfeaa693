package postgres

import (
	"context"
	"slices"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// Touch marks something to be published when the writer's transaction
// commits. The catalog has no id; of people each id is one topic.
//
// It holds the organisation's history until the transaction ends, as
// [Store.AppendAudit] does, so that numbers become visible in their order: who
// has read one and reads the record then has seen every change with a lower
// one, and may publish under that number.
func (s *Store) Touch(ctx context.Context, org alfred.OrgID, kind string, ids ...string) error {
	switch {
	case kind == "catalog":
		ids = []string{""}
	case len(ids) == 0:
		return nil
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.lockHistory(ctx, org); err != nil {
			return err
		}
		return failed(s.q(ctx).Touch(ctx, org, kind, ids), "touch %s", kind)
	})
}

// Touched returns what is to be published, oldest first, the same thing as
// often as it was touched. Max 0 is all.
func (s *Store) Touched(ctx context.Context, max int) ([]alfred.Topic, error) {
	rows, err := s.q(ctx).Touched(ctx, most(max))
	return each(rows, func(r db.Outbox) alfred.Topic {
		return alfred.Topic{Seq: r.Seq, Org: r.OrgID, Kind: r.Kind, ID: r.Subject}
	}), failed(err, "read what was touched")
}

// Published forgets the topics with these numbers and no others: what was
// touched since stays.
func (s *Store) Published(ctx context.Context, seqs []int64) error {
	return failed(s.q(ctx).Published(ctx, seqs), "forget what was published")
}

// RaiseTopics lets the numbers of topics go on above one that was seen
// published, and says whether they were behind it, as they are in a record
// that was restored from an older copy.
func (s *Store) RaiseTopics(ctx context.Context, above int64) (raised bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if err := s.Lock(ctx, "raise topics"); err != nil {
			return err
		}
		rows, err := s.q(ctx).RaiseTopics(ctx, above)
		raised = rows > 0
		return failed(err, "raise the numbers of topics")
	})
	return raised, err
}

// LastTopic returns a number that grows with every topic, before its
// transaction ends: what is kept under it may lack the last changes for as long
// as it is kept.
func (s *Store) LastTopic(ctx context.Context) (int64, error) {
	var seq int64
	err := s.conn(ctx).QueryRow(ctx, "SELECT last_value + is_called::int FROM outbox_seq_seq").Scan(&seq)
	return seq, failed(err, "read the last topic")
}
