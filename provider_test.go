package alfred_test

import (
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestProviderHealth(t *testing.T) {
	for _, c := range []struct {
		requests, errors int64
		want             alfred.ProviderHealth
	}{
		{0, 0, alfred.HealthIsUnknown},
		{1, 0, alfred.Healthy},
		{100, 4, alfred.Healthy},
		{100, 5, alfred.Degraded},
		{100, 49, alfred.Degraded},
		{100, 50, alfred.Failing},
		{1, 1, alfred.Failing},
	} {
		if got := (alfred.ProviderUse{Requests: c.requests, Errors: c.errors}).Health(); got != c.want {
			t.Errorf("%d errors of %d: %s, want %s", c.errors, c.requests, got, c.want)
		}
	}
}
