package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

const (
	deliverEvery   = time.Second
	deliveryLease  = time.Minute // longer than any attempt takes
	deliveriesKept = 90 * 24 * time.Hour
)

// RunDeliveries sends what waits for a channel until ctx ends. Several may run
// at once: a message is claimed before it is sent. One whose sender dies is
// sent again after its lease, so it may arrive twice and is never lost.
func (j *Jobs) RunDeliveries(ctx context.Context) {
	t := time.NewTicker(deliverEvery)
	defer t.Stop()
	for {
		for worked := true; worked && ctx.Err() == nil; {
			var err error
			if worked, err = j.StepDelivery(ctx); err != nil && ctx.Err() == nil {
				j.Log.Error("delivery", "err", err)
				j.Metrics.failed("delivery")
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// StepDelivery sends the message that has waited longest, and says whether
// there was one.
func (j *Jobs) StepDelivery(ctx context.Context) (worked bool, err error) {
	if j.Webhooks.Off {
		return false, nil
	}
	s := j.server()
	d, err := s.Records.ClaimDelivery(ctx, s.Now(), s.Now().Add(deliveryLease))
	switch {
	case alfred.ErrorCode(err) == alfred.CodeNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	d, err = s.deliver(ctx, d)
	if err == nil && d.State == alfred.DeliveryFailed {
		s.Log.Warn("a message to a channel is given up", "channel", d.Channel, "delivery", d.ID, "attempts", d.Attempts, "detail", d.Detail)
	}
	return err == nil, err
}

// ForgetDeliveries forgets what has been over for long.
func (j *Jobs) ForgetDeliveries(ctx context.Context) error {
	return j.Records.ForgetDeliveries(ctx, j.Now().Add(-deliveriesKept))
}

// deliver sends a claimed message once and stores what came of it. A channel
// that does not answer is asked again with one message, not with all that wait
// for it, and after a day those are given up with it. When one arrives, they are
// due; a channel that has gone takes its messages with it.
func (s *server) deliver(ctx context.Context, d alfred.Delivery) (alfred.Delivery, error) {
	outcome, err := s.send(ctx, d)
	if err != nil {
		return d, err
	}
	d = d.After(outcome, s.Now())
	err = s.Records.InTx(ctx, func(ctx context.Context) error {
		last, err := s.Records.LastDeliveries(ctx, d.Org, []string{d.Channel}, false) // who saw a test fail is one person
		if err != nil {
			return err
		}
		now, err := s.Records.Delivery(ctx, d.Org, d.ID)
		if err != nil || now.State == alfred.DeliveryDelivered && !outcome.Delivered { // by somebody else
			return err
		}
		if err := s.Records.PutDelivery(ctx, d); err != nil {
			return err
		}
		if d.State == alfred.DeliveryFailed && !outcome.Hopeless && d.About != alfred.AboutTest {
			by := d.EndedAt.Add(-alfred.GiveUpAfter)
			if d.CreatedAt.After(by) { // its next attempt would have been too late
				by = d.CreatedAt
			}
			if err := s.Records.GiveUpDeliveries(ctx, d.Org, d.Channel, by, d.Detail, d.EndedAt); err != nil {
				return err
			}
		}
		switch {
		case d.State == alfred.DeliveryDelivered:
			return s.Records.HurryDeliveries(ctx, d.Org, d.Channel, d.EndedAt)
		case d.State == alfred.DeliveryPending:
			return s.Records.DelayDeliveries(ctx, d.Org, d.Channel, d.NextAt)
		case d.State == alfred.DeliveryFailed && d.About != alfred.AboutTest && last[d.Channel].State != alfred.DeliveryFailed:
			return s.tellOfSilence(ctx, d)
		default:
			return nil
		}
	})
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return d, nil
	}
	s.Metrics.deliver(d.State)
	return d, err
}

// tellOfSilence tells owners and admins that a channel has stopped taking messages.
func (s *server) tellOfSilence(ctx context.Context, d alfred.Delivery) error {
	c := s.environmentChannel(d.Org)
	if d.Channel != c.ID {
		var err error
		c, err = s.Records.Channel(ctx, d.Org, d.Channel)
		if alfred.ErrorCode(err) == alfred.CodeNotFound {
			return nil // somebody removed it
		}
		if err != nil {
			return err
		}
	}
	admins, err := s.admins(ctx, d.Org)
	if err != nil {
		return err
	}
	w := &change{server: s, org: d.Org, now: s.Now()}
	items := make([]alfred.InboxItem, len(admins))
	for i, u := range admins {
		items[i] = alfred.InboxItem{User: u, Kind: "channel_failing", Title: "Messages to " + c.Name + " do not arrive", Body: d.Detail + " Messages that did not arrive are kept: send them again under Settings, Alerts.", Ref: d.Channel}
	}
	return s.notifyAll(ctx, w, items...)
}

// lastMessages returns the newest message of each channel that arrived or was
// given up, a test or not.
func (s *server) lastMessages(ctx context.Context, org alfred.OrgID, channels []alfred.Channel) (map[string]alfred.Delivery, error) {
	ids := make([]string, len(channels))
	for i, c := range channels {
		ids[i] = c.ID
	}
	return s.Records.LastDeliveries(ctx, org, ids, true)
}

// admins are the people who answer for an organisation.
func (s *server) admins(ctx context.Context, org alfred.OrgID) (all []alfred.UserID, err error) {
	for _, role := range []alfred.AccessRole{alfred.RoleOwner, alfred.RoleAdmin} {
		people, err := s.Records.Users(ctx, org, alfred.UserFilter{Access: role, Kind: alfred.KindPerson, Statuses: []alfred.UserStatus{alfred.Active, alfred.OnVacation}})
		if err != nil {
			return nil, err
		}
		for _, u := range people {
			all = append(all, u.ID)
		}
	}
	return all, nil
}

func (s *server) send(ctx context.Context, d alfred.Delivery) (alfred.DeliveryOutcome, error) {
	if d.Channel == alfred.ChannelOfEnvironment {
		if s.Webhooks.Slack == "" {
			return alfred.DeliveryOutcome{Hopeless: true, Detail: "SLACK_WEBHOOK_URL is not set any more."}, nil
		}
		return s.Webhooks.post(ctx, s.Webhooks.Slack, true, d.Text), nil
	}
	c, err := s.Records.Channel(ctx, d.Org, d.Channel)
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		return alfred.DeliveryOutcome{Hopeless: true, Detail: "The channel was removed."}, nil
	}
	if err != nil {
		return alfred.DeliveryOutcome{}, err
	}
	address, err := s.unseal(sealedChannel(c), c.Address)
	if err != nil {
		return alfred.DeliveryOutcome{Hopeless: true, Detail: "Its address cannot be read: " + err.Error() + ". Enter it again."}, nil
	}
	return s.Webhooks.post(ctx, address, false, d.Text), nil
}

// errNothingIsSent refuses what somebody wants sent while nothing is.
var errNothingIsSent = alfred.Errorf(alfred.CodeConflict, "Nothing is sent: NOTIFICATIONS_ENABLED is false. Set it to true for alfred-admin and start it again.")

// TestChannel sends a message and waits for what comes of it. It is tried once.
func (s *server) TestChannel(ctx context.Context, r api.TestChannelRequestObject) (api.TestChannelResponseObject, error) {
	c, err := s.channel(ctx, r.ChannelId)
	if err != nil {
		return nil, err
	}
	if s.Webhooks.Off {
		return nil, errNothingIsSent
	}
	id, err := s.newID("dlv")
	if err != nil {
		return nil, err
	}
	org, err := s.Records.Organization(ctx, c.Org)
	if err != nil {
		return nil, err
	}
	who := callOf(ctx).user
	d := alfred.Delivery{
		ID: id, Org: c.Org, Channel: c.ID, About: alfred.AboutTest, State: alfred.DeliveryPending, Attempts: 1, CreatedAt: s.Now(), NextAt: s.Now().Add(deliveryLease),
		Text: fmt.Sprintf("%s: a test by %s. What Alfred has to tell arrives here. %s/static/settings?part=alerts", inLine(org.Name), inLine(who.Name), s.PublicURL),
	}
	if err := s.write(ctx, c.Org, func(ctx context.Context, w *change) error {
		w.audit("channel.test", c.ID, nil, map[string]any{"name": c.Name})
		return s.Records.AddDeliveries(ctx, d)
	}); err != nil {
		return nil, err
	}
	d, err = s.deliver(ctx, d)
	return api.TestChannel200JSONResponse(describeDelivery(d)), err
}

// ListDeliveries lists messages, newest first.
func (s *server) ListDeliveries(ctx context.Context, r api.ListDeliveriesRequestObject) (api.ListDeliveriesResponseObject, error) {
	pg, err := newPage(r.Params.Cursor, r.Params.Limit, "deliveries", r.Params.Channel)
	if err != nil {
		return nil, err
	}
	all, err := s.Records.Deliveries(ctx, callOf(ctx).actor.Org, value(r.Params.Channel), pg.after, pg.limit+1)
	if err != nil {
		return nil, err
	}
	all, more, next := cut(pg, all, func(d alfred.Delivery) string { return d.ID })
	out := api.ListDeliveries200JSONResponse{Data: make([]api.Delivery, len(all)), HasMore: more, NextCursor: next}
	for i, d := range all {
		out.Data[i] = describeDelivery(d)
	}
	return out, nil
}

// ResendDelivery sends a message again: the same text to the same channel.
func (s *server) ResendDelivery(ctx context.Context, r api.ResendDeliveryRequestObject) (api.ResendDeliveryResponseObject, error) {
	d, err := s.Records.Delivery(ctx, callOf(ctx).actor.Org, r.DeliveryId)
	if err != nil {
		return nil, err
	}
	if s.Webhooks.Off {
		return nil, errNothingIsSent
	}
	before := d.State
	d.State, d.Attempts, d.NextAt, d.EndedAt, d.Detail = alfred.DeliveryPending, 0, s.Now(), time.Time{}, ""
	err = s.write(ctx, d.Org, func(ctx context.Context, w *change) error {
		w.audit("delivery.resend", d.ID, map[string]any{"state": before}, map[string]any{"state": d.State})
		return s.Records.PutDelivery(ctx, d)
	})
	if err != nil {
		return nil, err
	}
	return api.ResendDelivery200JSONResponse(describeDelivery(d)), nil
}
