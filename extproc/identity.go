package extproc

import (
	"io"
	"time"

	"github.com/alfred-envoy/alfred"
)

// identity names one request. Its three identifiers share one ULID, which is
// made here and never taken from the client.
type identity struct {
	request  alfred.RequestID
	hold     alfred.HoldID
	decision alfred.DecisionID
	at       time.Time
}

func newIdentity(now time.Time, entropy io.Reader) (identity, error) {
	u, err := alfred.ULID(now, entropy)
	if err != nil {
		return identity{}, err
	}
	return identity{
		request:  alfred.RequestID("req_" + u),
		hold:     alfred.HoldID("hold_" + u),
		decision: alfred.DecisionID("dec_" + u),
		at:       now,
	}, nil
}

// decision starts the answer to a request of p, who is nil while unknown.
func (i identity) decide(p *alfred.Principal) alfred.Decision {
	d := alfred.Decision{ID: i.decision, Request: i.request, At: i.at}
	if p != nil {
		d.Org, d.User, d.Key, d.Ask = p.Org, p.User, p.Key, p.Ask
	}
	return d
}
