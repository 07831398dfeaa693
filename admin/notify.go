package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Notifier tells people something outside of Alfred.
type Notifier interface {
	Notify(ctx context.Context, text string) error
}

// Slack posts to an incoming webhook.
type Slack struct {
	URL    string
	Client *http.Client
}

// slackTimeout bounds a post: nobody waits for Slack.
const slackTimeout = 5 * time.Second

// NewSlack returns a notifier for a webhook. It follows no redirect, since
// the address is a secret.
func NewSlack(url string) *Slack {
	return &Slack{URL: url, Client: &http.Client{
		Timeout:       slackTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Notify posts a text. The error never holds the address.
func (n *Slack) Notify(ctx context.Context, text string) error {
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return fmt.Errorf("write a notice: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("notify Slack: the webhook's address is not valid")
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := n.Client.Do(r)
	if err != nil {
		return fmt.Errorf("notify Slack: it did not answer")
	}
	defer func() { _ = resp.Body.Close() }() // nothing is left to do with it
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("notify Slack: it answered %d", resp.StatusCode)
	}
	return nil
}

// tell sends a notice after the fact. What was done stays done when the
// notice does not arrive.
func (s *server) tell(ctx context.Context, text string) {
	if s.Notifier == nil || callOf(ctx).dryRun {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), slackTimeout)
	defer cancel()
	if err := s.Notifier.Notify(ctx, text); err != nil {
		s.Log.Warn("notice was not delivered", "err", err)
	}
}

// notify puts something into a person's inbox, in the writer's transaction.
func (s *server) notify(ctx context.Context, w *change, to alfred.UserID, item alfred.InboxItem) error {
	id, err := s.newID("inb")
	if err != nil {
		return err
	}
	item.ID, item.Org, item.User, item.CreatedAt = id, w.org, to, w.now
	return s.Records.AddInbox(ctx, item)
}
