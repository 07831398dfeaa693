package postgres

import "time"

// What the domain writes as a zero value, the schema writes as null.

func moment(t *time.Time) time.Time { return value(t) }

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// most is the LIMIT of a query; null is no limit.
func most(n int) *int64 { return optional(int64(n)) }

// texts turns ids into what an array parameter takes. Nil stays nil, which
// does not narrow; an empty slice narrows to nothing.
func texts[ID ~string](ids []ID) []string {
	if ids == nil {
		return nil
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = string(id)
	}
	return out
}

// each turns rows into nouns. Nil stays nil.
func each[R, N any](rows []R, turn func(R) N) []N {
	if rows == nil {
		return nil
	}
	out := make([]N, len(rows))
	for i, r := range rows {
		out[i] = turn(r)
	}
	return out
}
