package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// Provider is a provider that can be asked whether it answers.
type Provider struct {
	ID      string      // as in the record: openai, anthropic, mock
	BaseURL string      // without credentials and without a slash at the end
	Header  http.Header // that it knows Alfred by: never told, never logged
}

// probeTimeout bounds the question whether a provider answers: it is asked
// while a person waits.
const probeTimeout = 5 * time.Second

// TestProvider asks a provider for its list of models. Whatever comes of it is
// a result; neither the provider's words nor those of the network are passed
// on, since they may quote the key.
func (s *server) TestProvider(ctx context.Context, r api.TestProviderRequestObject) (api.TestProviderResponseObject, error) {
	i := slices.IndexFunc(s.Providers, func(p Provider) bool { return p.ID == r.ProviderId })
	if i < 0 {
		uses, err := s.Records.ModelUses(ctx, callOf(ctx).actor.Org, s.Now().Add(-modelSpan), s.Now())
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(uses, func(u alfred.ModelUse) bool { return u.Provider == r.ProviderId }) {
			return nil, alfred.Errorf(alfred.CodeNotFound, "There is no provider %q: it is not configured here and was not used in the last 30 days.", r.ProviderId)
		}
	}
	if callOf(ctx).dryRun {
		return nil, &dryRun{DryRun: true, Changes: []dryChange{}}
	}
	if i < 0 {
		return api.TestProvider200JSONResponse{
			At: s.Now(), Status: nullable.NewNullNullable[int](),
			Detail: "It was not asked: alfred-admin has no key and address of it. Set the provider's variables for alfred-admin as they are set for alfred-extproc.",
		}, nil
	}
	return api.TestProvider200JSONResponse(s.probe(ctx, s.Providers[i])), nil
}

// probe asks once, and follows no redirect: the key is for this address alone.
func (s *server) probe(ctx context.Context, p Provider) api.ProviderTest {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	start := s.Now()
	out := api.ProviderTest{At: start, Status: nullable.NewNullNullable[int]()}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.BaseURL+"/models", nil)
	if err != nil {
		out.Detail = "It was not asked: its address is not valid. Correct it where the provider is configured."
		return out
	}
	for name, values := range p.Header {
		r.Header[name] = values
	}
	client := http.Client{CheckRedirect: noRedirect}
	resp, err := client.Do(r)
	out.Millis = s.Now().Sub(start).Milliseconds()
	if err != nil {
		out.Detail = silence(err, probeTimeout)
		return out
	}
	defer func() { _ = resp.Body.Close() }()                     // nothing is left to do with it
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // so that the connection serves again
	out.Status, out.Ok = nullable.NewNullableWithValue(resp.StatusCode), resp.StatusCode >= 200 && resp.StatusCode <= 299
	out.Detail = verdict(resp.StatusCode)
	return out
}

// noRedirect takes an answer that leads elsewhere as the answer: what is sent is
// for this address alone.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// silence says why no answer came.
func silence(err error, waited time.Duration) string {
	var name *net.DNSError
	var wire net.Error
	switch {
	case errors.As(err, &wire) && wire.Timeout():
		return fmt.Sprintf("It did not answer within %s. Check its address, and that this machine may reach it.", waited)
	case errors.As(err, &name):
		return "The name of its address is not known. Check its address."
	default:
		return "No connection to its address. Check the address, and that this machine may reach it and trusts its certificate."
	}
}

// verdict says what a status means for whoever configured the provider.
func verdict(status int) string {
	switch {
	case status >= 200 && status <= 299:
		return "It answered and listed its models."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fmt.Sprintf("It answered %d: it does not take the key. Check the key.", status)
	case status == http.StatusTooManyRequests:
		return "It answered 429: the key is asking too often, or its account is used up."
	case status >= 500:
		return fmt.Sprintf("It answered %d: it has a problem of its own. Try again shortly.", status)
	default:
		return fmt.Sprintf("It answered %d to the question for its models. Check its address: it has to end where /models begins, as in https://api.openai.com/v1.", status)
	}
}
