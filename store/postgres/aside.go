package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/store/postgres/internal/db"
)

// SetAside keeps an entry of the stream that could not be booked. A second
// time changes nothing.
func (s *Store) SetAside(ctx context.Context, org alfred.OrgID, entry string, raw []byte, reason string) error {
	if raw == nil {
		raw = []byte{}
	}
	return failed(s.q(ctx).SetAside(ctx, org, entry, raw, clean(reason)), "set entry %s aside", entry)
}

// EntriesSetAside lists what could not be booked, newest first: all of it, or
// what still waits. After is the last entry of the page before.
func (s *Store) EntriesSetAside(ctx context.Context, org alfred.OrgID, waiting bool, after string, limit int) ([]alfred.EntrySetAside, error) {
	rows, err := s.q(ctx).EntriesSetAside(ctx, org, after, waiting, most(limit))
	return each(rows, entrySetAside), failed(err, "list entries that were set aside")
}

// EntrySetAside returns one of them, or CodeNotFound.
func (s *Store) EntrySetAside(ctx context.Context, org alfred.OrgID, entry string) (alfred.EntrySetAside, error) {
	row, err := s.q(ctx).EntrySetAside(ctx, org, entry)
	if errors.Is(err, pgx.ErrNoRows) {
		return alfred.EntrySetAside{}, missing("entry", entry)
	}
	return entrySetAside(row), failed(err, "read entry %s", entry)
}

// TriedSetAside notes an attempt to book an entry: that it was booked, or why
// it was not. What was booked once stays so.
func (s *Store) TriedSetAside(ctx context.Context, org alfred.OrgID, entry, reason string, booked bool, at time.Time) (alfred.EntrySetAside, error) {
	p := db.TriedSetAsideParams{OrgID: org, Entry: entry, Reason: clean(reason), TriedAt: &at}
	if booked {
		p.RecordedAt = &at
	}
	row, err := s.q(ctx).TriedSetAside(ctx, p)
	if errors.Is(err, pgx.ErrNoRows) {
		return alfred.EntrySetAside{}, missing("entry", entry)
	}
	return entrySetAside(row), failed(err, "note an attempt at entry %s", entry)
}

func entrySetAside(r db.StreamSetAside) alfred.EntrySetAside {
	return alfred.EntrySetAside{
		ID: r.Entry, Raw: r.Raw, Reason: r.Reason, SetAsideAt: r.CreatedAt, Attempts: r.Attempts, TriedAt: moment(r.TriedAt), RecordedAt: moment(r.RecordedAt),
	}
}
