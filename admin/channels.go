package admin

import (
	"context"
	"strings"

	"github.com/oapi-codegen/nullable"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/admin/api"
)

// maxChannels bounds how many messages one event is worth.
const maxChannels = 20

// ListChannels lists where the organisation is told of things, and whether
// the last message arrived.
func (s *server) ListChannels(ctx context.Context, _ api.ListChannelsRequestObject) (api.ListChannelsResponseObject, error) {
	all, err := s.channels(ctx, callOf(ctx).actor.Org)
	if err != nil {
		return nil, err
	}
	data, err := s.describeChannels(ctx, all...)
	return api.ListChannels200JSONResponse{Data: data, Sending: !s.Webhooks.Off}, err
}

// GetChannel reads one.
func (s *server) GetChannel(ctx context.Context, r api.GetChannelRequestObject) (api.GetChannelResponseObject, error) {
	c, err := s.channel(ctx, r.ChannelId)
	if err != nil {
		return nil, err
	}
	out, err := s.describeChannel(ctx, c)
	return api.GetChannel200JSONResponse(out), err
}

// channel is one of the record, or the one of the environment.
func (s *server) channel(ctx context.Context, id string) (alfred.Channel, error) {
	org := callOf(ctx).actor.Org
	if id == alfred.ChannelOfEnvironment && s.Webhooks.Slack != "" {
		return s.environmentChannel(org), nil
	}
	return s.Records.Channel(ctx, org, id)
}

// ofRecord is a channel that can be changed here.
func (s *server) ofRecord(ctx context.Context, id string) (alfred.Channel, error) {
	if id == alfred.ChannelOfEnvironment {
		return alfred.Channel{}, alfred.Errorf(alfred.CodeConflict, "This channel is set by SLACK_WEBHOOK_URL: change it there and start alfred-admin again.")
	}
	return s.Records.Channel(ctx, callOf(ctx).actor.Org, id)
}

// CreateChannel adds one. Its address is sealed.
func (s *server) CreateChannel(ctx context.Context, r api.CreateChannelRequestObject) (api.CreateChannelResponseObject, error) {
	id, err := s.newID("chn")
	if err != nil {
		return nil, err
	}
	c := alfred.Channel{
		ID: id, Org: callOf(ctx).actor.Org, Kind: alfred.ChannelSlack, Name: strings.TrimSpace(r.Body.Name), From: 90, Transfers: value(r.Body.Transfers), CreatedAt: s.Now(),
	}
	if r.Body.FromPercent != nil {
		c.From = *r.Body.FromPercent
	}
	if c.Name == "" {
		return nil, alfred.Invalid("name", "expected a name")
	}
	if err := s.address(&c, r.Body.Address); err != nil {
		return nil, err
	}
	err = s.write(ctx, c.Org, func(ctx context.Context, w *change) error {
		if err := s.Records.Lock(ctx, "channels:"+string(w.org)); err != nil {
			return err
		}
		all, err := s.Records.Channels(ctx, w.org)
		if err != nil {
			return err
		}
		if len(all) >= maxChannels {
			return alfred.Errorf(alfred.CodeConflict, "There are %d channels already: remove one first.", maxChannels)
		}
		w.audit("channel.create", c.ID, nil, auditedChannel(c))
		return sayConflict(s.Records.PutChannel(ctx, c), "name", "There is a channel %s already.", c.Name)
	})
	if err != nil {
		return nil, err
	}
	c.Version, c.UpdatedAt = 1, c.CreatedAt
	out, err := s.describeChannel(ctx, c)
	return api.CreateChannel201JSONResponse(out), err
}

// address seals an address for a channel.
func (s *server) address(c *alfred.Channel, address string) error {
	address = strings.TrimSpace(address)
	u, err := s.Webhooks.checkAddress(address)
	if err != nil {
		return err
	}
	c.Shown = shown(u)
	c.Address, err = s.seal(sealedChannel(*c), address)
	return err
}

// sealedChannel is the row that a sealed address is of.
func sealedChannel(c alfred.Channel) string { return string(c.Org) + "/" + c.ID }

// UpdateChannel merges what is given. Until a message is sent to another
// address, what the last one came to is of the address before.
func (s *server) UpdateChannel(ctx context.Context, r api.UpdateChannelRequestObject) (api.UpdateChannelResponseObject, error) {
	before, err := s.ofRecord(ctx, r.ChannelId)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, before.Version); err != nil {
		return nil, err
	}
	after, b := before, r.Body
	if b.Name != nil {
		if after.Name = strings.TrimSpace(*b.Name); after.Name == "" {
			return nil, alfred.Invalid("name", "expected a name")
		}
	}
	if b.Address != nil {
		if err := s.address(&after, *b.Address); err != nil {
			return nil, err
		}
	}
	if b.FromPercent != nil {
		after.From = *b.FromPercent
	}
	if b.Transfers != nil {
		after.Transfers = *b.Transfers
	}
	err = s.write(ctx, after.Org, func(ctx context.Context, w *change) error {
		after.UpdatedAt = w.now
		told := auditedChannel(after)
		told["address_changed"] = b.Address != nil
		w.audit("channel.update", after.ID, auditedChannel(before), told)
		return sayConflict(s.Records.PutChannel(ctx, after), "name", "There is a channel %s already.", after.Name)
	})
	if err != nil {
		return nil, err
	}
	after.Version++
	out, err := s.describeChannel(ctx, after)
	return api.UpdateChannel200JSONResponse(out), err
}

// DeleteChannel removes one, and what was on its way there.
func (s *server) DeleteChannel(ctx context.Context, r api.DeleteChannelRequestObject) (api.DeleteChannelResponseObject, error) {
	c, err := s.ofRecord(ctx, r.ChannelId)
	if err != nil {
		return nil, err
	}
	if err := matches(r.Params.IfMatch, c.Version); err != nil {
		return nil, err
	}
	err = s.write(ctx, c.Org, func(ctx context.Context, w *change) error {
		w.audit("channel.delete", c.ID, auditedChannel(c), nil)
		return s.Records.DeleteChannel(ctx, w.org, c.ID)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteChannel204Response{}, nil
}

func auditedChannel(c alfred.Channel) map[string]any {
	return map[string]any{"name": c.Name, "kind": c.Kind, "address": c.Shown, "from_percent": c.From, "transfers": c.Transfers}
}

func (s *server) describeChannel(ctx context.Context, c alfred.Channel) (api.Channel, error) {
	out, err := s.describeChannels(ctx, c)
	if err != nil {
		return api.Channel{}, err
	}
	if c.Version > 0 {
		setETag(ctx, c.Version)
	}
	return out[0], nil
}

// describeChannels shows channels with what their last message came to.
func (s *server) describeChannels(ctx context.Context, all ...alfred.Channel) ([]api.Channel, error) {
	out := make([]api.Channel, len(all))
	last, err := s.lastMessages(ctx, callOf(ctx).actor.Org, all)
	if err != nil {
		return nil, err
	}
	for i, c := range all {
		out[i] = api.Channel{
			Id: c.ID, Kind: c.Kind, Name: c.Name, Address: c.Shown, Source: api.ChannelSourceRecord, FromPercent: c.From, Transfers: c.Transfers,
			State: api.ChannelStateUntested, LastDelivery: nullable.NewNullNullable[api.Delivery](), CreatedAt: orNull(c.CreatedAt), UpdatedAt: orNull(c.UpdatedAt),
		}
		if c.ID == alfred.ChannelOfEnvironment {
			out[i].Source = api.ChannelSourceEnvironment
		}
		if d, told := last[c.ID]; told {
			out[i].LastDelivery = nullable.NewNullableWithValue(describeDelivery(d))
			out[i].State = api.ChannelStateFailing
			if d.State == alfred.DeliveryDelivered {
				out[i].State = api.ChannelStateWorking
			}
		}
		if s.Webhooks.Off {
			out[i].State = api.ChannelStateOff
		}
	}
	return out, nil
}

func describeDelivery(d alfred.Delivery) api.Delivery {
	return api.Delivery{
		Id: d.ID, ChannelId: d.Channel, About: d.About, Text: d.Text, State: d.State, Attempts: d.Attempts, Detail: d.Detail,
		CreatedAt: d.CreatedAt, NextAt: orNull(d.NextAt), EndedAt: orNull(d.EndedAt),
	}
}
