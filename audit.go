package alfred

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// AuditEvent is one change that somebody made, linked to the one before it
// by a hash, so that a removed or edited row shows.
type AuditEvent struct {
	Seq       int64           `json:"seq"`
	Org       OrgID           `json:"-"`
	At        time.Time       `json:"at"`
	Actor     UserID          `json:"actor_id,omitempty"` // "" is the system
	ActorName string          `json:"actor"`
	Action    string          `json:"action"`  // user.create, team.update, transfer.create, …
	Subject   string          `json:"subject"` // an id
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	IP        string          `json:"ip,omitempty"`
	RequestID string          `json:"request_id,omitempty"`
	Changes   []FieldChange   `json:"changes,omitempty"` // what differs between Before and After; made when it is read
	PrevHash  string          `json:"prev_hash"`
	Hash      string          `json:"hash"`
}

// FieldChange is one field that a change touched. What was not there, or is
// gone, has no value.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Diff lists the fields that differ between before and after, by name. What
// is not an object is one field without a name.
func (e AuditEvent) Diff() []FieldChange {
	var before, after map[string]json.RawMessage
	if json.Unmarshal(orNothing(e.Before), &before) != nil || json.Unmarshal(orNothing(e.After), &after) != nil {
		return []FieldChange{{Before: e.Before, After: e.After}}
	}
	fields := map[string]bool{}
	for f := range before {
		fields[f] = true
	}
	for f := range after {
		fields[f] = true
	}
	var out []FieldChange
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		if !bytes.Equal(before[f], after[f]) {
			out = append(out, FieldChange{f, before[f], after[f]})
		}
	}
	return out
}

func orNothing(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// Seal returns the event with its hash over the previous hash and its own
// content. Times are hashed in UTC microseconds, which every store keeps.
func (e AuditEvent) Seal(prevHash string) AuditEvent {
	e.PrevHash, e.Hash = prevHash, ""
	e.At = e.At.UTC().Truncate(time.Microsecond)
	h := sha256.New()
	enc := json.NewEncoder(h)
	// Each field is encoded by itself, so that no two events share a text.
	for _, field := range []any{e.PrevHash, e.Seq, e.Org, e.At.UnixMicro(), e.Actor, e.ActorName, e.Action, e.Subject, string(e.Before), string(e.After), e.Reason, e.IP, e.RequestID} {
		_ = enc.Encode(field) // a hash never fails to write, and these types always encode
	}
	e.Hash = hex.EncodeToString(h.Sum(nil))
	return e
}

// VerifyAudit returns the sequence number of the first event that does not
// follow from the one before, or 0 when the chain holds.
func VerifyAudit(prevHash string, events []AuditEvent) int64 {
	for _, e := range events {
		if e.PrevHash != prevHash || e.Seal(prevHash).Hash != e.Hash {
			return e.Seq
		}
		prevHash = e.Hash
	}
	return 0
}
