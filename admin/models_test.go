package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/alfred-envoy/alfred"
)

func TestListModels(t *testing.T) {
	w := newCompany(t) // refusals name gpt-4 too
	at := w.clock.Now()
	dear := alfred.Rate{Match: "gpt-4*", Input: 30 * alfred.Credit, Output: 60 * alfred.Credit, Request: alfred.Credit / 2}
	w.must(w.records.AddRateCard(w.ctx, w.org, alfred.RateCard{Version: 2, Effective: at.Add(-time.Hour), Rates: []alfred.Rate{alfred.OneCreditPerToken("*"), dear}}))
	w.must(w.records.AddRateCard(w.ctx, w.org, alfred.RateCard{Version: 3, Effective: at.Add(time.Hour), Rates: []alfred.Rate{alfred.OneCreditPerToken("*")}}))
	w.must(w.records.PutModel(w.ctx, w.org, alfred.Model{Name: "house", Provider: "openai", MaxOutput: 77}))

	got := w.do("GET", "/v1/admin/models", w.owner.key, "").is(http.StatusOK)
	rows, last := map[string]string{}, ""
	for _, r := range got["data"].([]any) {
		row := r.(map[string]any)
		name := text(row["model"])
		if name <= last {
			t.Errorf("%s after %s", name, last)
		}
		last = name
		rows[name] = fmt.Sprintln(row["provider"], row["priced"], row["price"].(map[string]any)["pattern"], row["requests"], row["credits"], row["last_used_at"], row["max_output_tokens"])
	}
	for name, want := range map[string]string{
		"gpt-4": fmt.Sprintln("mock", true, "gpt-4*", 3, 560, "2026-11-22T09:30:00Z", 8192),
		"mini":  fmt.Sprintln("mock", false, "*", 2, 40, "2026-11-23T11:30:00Z", nil),
		"house": fmt.Sprintln("openai", false, "*", 0, 0, nil, 77),
		"o1":    fmt.Sprintln("", false, "*", 0, 0, nil, 100000),
	} {
		if rows[name] != want {
			t.Errorf("%s: %s, want %s", name, rows[name], want)
		}
	}
	var versions []string
	for _, v := range got["versions"].([]any) {
		v := v.(map[string]any)
		versions = append(versions, fmt.Sprint(v["version"], v["effective_from"], len(v["prices"].([]any))))
	}
	want := []string{fmt.Sprint(3, at.Add(time.Hour).Format(time.RFC3339), 1), fmt.Sprint(2, at.Add(-time.Hour).Format(time.RFC3339), 2), fmt.Sprint(1, nil, 1)}
	if number(got["card_version"]) != 2 || strings.Join(versions, ", ") != strings.Join(want, ", ") {
		t.Errorf("version %v of %v, want 2 of %v", got["card_version"], versions, want)
	}
	before := w.do("GET", "/v1/admin/models?window=previous", w.owner.key, "").is(http.StatusOK)["data"].([]any)
	for _, r := range before {
		if row := r.(map[string]any); number(row["requests"]) != 0 || row["last_used_at"] != nil {
			t.Errorf("in the window before: %v", row)
		}
	}
}
