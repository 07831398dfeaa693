package admin

import (
	"context"
	"regexp"
	"strings"
	"unicode"

	"github.com/alfred-envoy/alfred"
)

// notify puts something into a person's inbox, in the writer's transaction.
func (s *server) notify(ctx context.Context, w *change, to alfred.UserID, item alfred.InboxItem) error {
	item.User = to
	return s.notifyAll(ctx, w, item)
}

// notifyAll puts something into the inboxes of many, each User's own.
func (s *server) notifyAll(ctx context.Context, w *change, items ...alfred.InboxItem) error {
	for i := range items {
		id, err := s.newID("inb")
		if err != nil {
			return err
		}
		items[i].ID, items[i].Org, items[i].CreatedAt = id, w.org, w.now
	}
	return s.Records.AddInbox(ctx, items...)
}

// tell writes a message to some channels down, in the writer's transaction.
// It is sent after that, until it arrives; while nothing is sent it is written
// down alone.
func (s *server) tell(ctx context.Context, w *change, about alfred.DeliveryAbout, text string, to ...alfred.Channel) error {
	all := make([]alfred.Delivery, len(to))
	for i, c := range to {
		id, err := s.newID("dlv")
		if err != nil {
			return err
		}
		all[i] = alfred.Delivery{ID: id, Org: w.org, Channel: c.ID, About: about, Text: text, State: alfred.DeliveryPending, NextAt: w.now, CreatedAt: w.now}
		if s.Webhooks.Off {
			all[i].State, all[i].NextAt, all[i].EndedAt = alfred.DeliveryOff, all[i].EndedAt, w.now
		}
	}
	return s.Records.AddDeliveries(ctx, all...)
}

// wakes is what Mattermost and Discord take for a call to everybody, in plain text too.
var wakes = regexp.MustCompile(`(?i)(^|[^\pL\pN._%+-])@(channel|here|all|everyone)\b`)

// inLine is what somebody has written, as a part of a message: in one line and
// one direction, so that it passes for nothing that Alfred says, and waking nobody.
func inLine(written string) string {
	written = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		default:
			return r
		}
	}, written)
	return wakes.ReplaceAllString(written, "$1@\u200b$2")
}

// channels are those of the record and the one of the environment, which is
// told of transfers and of what is nearly used up.
func (s *server) channels(ctx context.Context, org alfred.OrgID) ([]alfred.Channel, error) {
	all, err := s.Records.Channels(ctx, org)
	if s.Webhooks.Slack != "" {
		all = append([]alfred.Channel{s.environmentChannel(org)}, all...)
	}
	return all, err
}

func (s *server) environmentChannel(org alfred.OrgID) alfred.Channel {
	c := alfred.Channel{ID: alfred.ChannelOfEnvironment, Org: org, Kind: alfred.ChannelSlack, Name: "SLACK_WEBHOOK_URL", From: 90, Transfers: true}
	if u, err := (Webhooks{Private: true}).checkAddress(s.Webhooks.Slack); err == nil {
		c.Shown = shown(u)
	}
	return c
}
