package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

// No sum reads an event, whatever is asked for.
func TestNoSumReadsEvents(t *testing.T) {
	from := time.Date(2026, 10, 3, 5, 0, 0, 0, time.UTC)
	statements := 0
	for _, a := range alfred.UsageDimensions() {
		for _, b := range alfred.UsageDimensions() {
			for _, interval := range []alfred.Interval{alfred.IntervalNone, alfred.IntervalHour, alfred.IntervalDay} {
				for _, days := range []int{1, 30, 90} {
					q := alfred.UsageQuery{From: from, Until: from.AddDate(0, 0, days), Zone: time.UTC, Interval: interval, GroupBy: []alfred.UsageDimension{a}}
					if a != b {
						q.Filter = map[alfred.UsageDimension][]string{b: {"x"}}
					}
					sql, _, err := planUsage("org_1", time.UTC, q)
					if err != nil {
						if alfred.ErrorCode(err) != alfred.CodeValidation || days < 90 {
							t.Errorf("%v: %v", q, err)
						}
						continue
					}
					q.Top = 10
					largest, _, err := planLargest("org_1", time.UTC, q)
					if err != nil {
						t.Errorf("%v: %v", q, err)
					}
					sql += largest
					statements++
					if strings.Contains(sql, "usage_events") || strings.Contains(sql, "decisions") {
						t.Errorf("%v reads events:\n%s", q, sql)
					}
				}
			}
		}
	}
	if statements < 300 {
		t.Errorf("only %d statements were built", statements)
	}
}
