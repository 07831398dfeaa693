package ledgerwatch_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/alfred-envoy/alfred/cmd/ledgerwatch"
	"github.com/alfred-envoy/alfred/store/redis"
)

type source struct {
	settings []redis.Setting
	err      error
}

func (s *source) Settings(context.Context) ([]redis.Setting, error) { return s.settings, s.err }

// A setting is logged when it changes, shown while it lasts, and unknown is
// not wrong.
func TestSettingsAreToldOnce(t *testing.T) {
	var text bytes.Buffer
	registry := prometheus.NewRegistry()
	s := &source{}
	w := ledgerwatch.New(s, registry, slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	look := func(verdict redis.SettingVerdict) string {
		text.Reset()
		s.settings = []redis.Setting{{Name: "eviction", Verdict: verdict, Found: "allkeys-lru", Advice: "mend it"}}
		w.Look(t.Context())
		return text.String()
	}
	metric := func() float64 {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "alfred_redis_setting_ok" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		t.Fatal("no metric")
		return 0
	}
	for i, step := range []struct {
		verdict  redis.SettingVerdict
		logs     string // "" is nothing
		metric   float64
		warnings map[string]string
	}{
		{redis.SettingOK, "", 1, map[string]string{}},
		{redis.SettingWrong, "level=ERROR", 0, map[string]string{"eviction": "is allkeys-lru: mend it"}},
		{redis.SettingWrong, "", 0, map[string]string{"eviction": "is allkeys-lru: mend it"}},
		{redis.SettingOK, "level=INFO", 1, map[string]string{}},
		{redis.SettingUnknown, "level=WARN", math.NaN(), map[string]string{"eviction": "unknown"}},
		{redis.SettingUnknown, "", math.NaN(), map[string]string{"eviction": "unknown"}},
	} {
		got := look(step.verdict)
		if (step.logs == "") != (got == "") || !strings.Contains(got, step.logs) {
			t.Errorf("step %d logs %q, expected %q", i, got, step.logs)
		}
		if m := metric(); m != step.metric && !(math.IsNaN(m) && math.IsNaN(step.metric)) {
			t.Errorf("step %d: metric %v", i, m)
		}
		if diff := cmp.Diff(step.warnings, w.Warnings()); diff != "" {
			t.Errorf("step %d: %s", i, diff)
		}
	}
	s.err = errors.New("away")
	w.Look(t.Context())
	if diff := cmp.Diff(map[string]string{"eviction": "unknown"}, w.Warnings()); diff != "" {
		t.Errorf("an outage changes what is known: %s", diff)
	}
}
