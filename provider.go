package alfred

import "time"

// ProviderUse is how one provider did in a stretch of time, from the requests
// that were sent to it.
type ProviderUse struct {
	Provider    string
	Requests    int64     // that it was asked
	Errors      int64     // of Requests: no answer, one that blames the provider or its credential, or one that broke off
	Median      int64     // milliseconds of the requests that completed; 0 when none did
	LastSuccess time.Time // zero: not in the stretch
	LastError   time.Time
}

// ProviderHealth is what a provider's recent errors say of it.
type ProviderHealth string

const (
	Healthy         ProviderHealth = "healthy"  // less than 5 % errors
	Degraded        ProviderHealth = "degraded" // less than half
	Failing         ProviderHealth = "failing"
	HealthIsUnknown ProviderHealth = "unknown" // nothing was asked
)

// Health judges a provider by the share of errors.
func (u ProviderUse) Health() ProviderHealth {
	switch {
	case u.Requests == 0:
		return HealthIsUnknown
	case u.Errors*2 >= u.Requests:
		return Failing
	case u.Errors*20 >= u.Requests:
		return Degraded
	default:
		return Healthy
	}
}

// ModelUse is when a model of a provider was last used.
type ModelUse struct {
	Model, Provider string
	Last            time.Time
}
