package faults_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// result is one row of the table: what was done, and what the audit found.
type result struct {
	fault        string
	times        int
	acknowledged int // answers that a client has had to their end
	lost         int // of them: not charged in Postgres
	double       int // requests that were charged more than once
	holds        int // still open at the end
	drift        int64
	note         string
}

type results struct {
	mu   sync.Mutex
	rows []result
}

func (r *results) add(t *testing.T, row result) {
	t.Helper()
	t.Logf("%+v", row)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rows = append(r.rows, row)
}

// table is Markdown, as docs/reliability.md shows it.
func (r *results) table() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	number := func(r result) (n int) {
		_, _ = fmt.Sscan(r.fault, &n) // none is first
		return n
	}
	slices.SortStableFunc(r.rows, func(a, b result) int {
		return cmp.Or(cmp.Compare(number(a), number(b)), strings.Compare(a.fault, b.fault))
	})
	var b strings.Builder
	b.WriteString("| fault, under load | times | acknowledged | lost | double | holds left | drift, micro-credits | |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, x := range r.rows {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %s |\n", x.fault, x.times, x.acknowledged, x.lost, x.double, x.holds, x.drift, x.note)
	}
	return b.String()
}
