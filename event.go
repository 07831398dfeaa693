package alfred

import "time"

// EventKind says what an event records. One event exists per reservation and
// kind.
type EventKind string

const (
	EventSettle   EventKind = "settle"
	EventVoid     EventKind = "void"
	EventExpired  EventKind = "expired"
	EventAdjust   EventKind = "adjust"   // the truth that came after expiry: carries the difference
	EventDecision EventKind = "decision" // a refusal, to be explained later
)

// Outcome says how a request ended.
type Outcome string

const (
	OutcomeCompleted     Outcome = "completed"
	OutcomeClientGone    Outcome = "client_gone" // before an answer came
	OutcomeUpstreamError Outcome = "upstream_error"
	OutcomeBroken        Outcome = "broken" // the answer ended before it was complete: the provider or the client broke off
	OutcomeShutdown      Outcome = "shutdown"
	OutcomeExpired       Outcome = "expired"
	OutcomeInternal      Outcome = "internal_error"
	OutcomeAllowance     Outcome = "allowance" // no request: what a process had set aside for an outage
)

// UsageEvent is the record of one request, with everything that attribution,
// billing and an explanation need, and never a word of the prompt.
type UsageEvent struct {
	Kind        EventKind       `json:"kind"`
	Org         OrgID           `json:"org"`
	Reservation HoldID          `json:"reservation"`
	Request     RequestID       `json:"request"`
	Decision    DecisionID      `json:"decision"`
	At          time.Time       `json:"at"` // fixed when the event is written; its UTC day is occurred_on
	User        UserID          `json:"user"`
	Key         KeyID           `json:"key"`
	Team        TeamID          `json:"team,omitempty"`
	Department  DepartmentID    `json:"department,omitempty"`
	Project     ProjectID       `json:"project,omitempty"`
	Model       string          `json:"model"`
	Provider    string          `json:"provider"`
	Priority    Priority        `json:"priority"`
	Private     bool            `json:"private,omitempty"`
	Stream      bool            `json:"stream,omitempty"`
	Usage       Usage           `json:"usage"`
	Estimated   bool            `json:"estimated,omitempty"`
	Overrun     bool            `json:"overrun,omitempty"`
	Late        bool            `json:"late,omitempty"`
	Degraded    string          `json:"degraded,omitempty"` // "" or the fail mode that admitted it without asking
	Held        Credits         `json:"held"`
	Cost        Credits         `json:"cost"`    // of an adjustment: the signed difference
	Charges     []CounterAmount `json:"charges"` // every counter that the cost was added to
	Legs        []LegAmount     `json:"legs"`    // who paid
	CardVersion int64           `json:"card_version"`
	InputBound  int64           `json:"input_bound"`
	OutputLimit int64           `json:"output_limit"` // granted, in tokens
	Shrunk      bool            `json:"shrunk,omitempty"`
	Status      int             `json:"status"` // HTTP status of the provider's answer, 0 when none came
	Outcome     Outcome         `json:"outcome"`
	Shadow      []Code          `json:"shadow,omitempty"`
	Millis      int64           `json:"millis"` // from the request's headers to the end

	// From the request's headers to the decision, and from the moment the request was let go to the first byte of the answer. Nil is not
	// measured: of a request that nobody answered, and of older events.
	DecidedMillis   *int64 `json:"decided_millis,omitempty"`
	FirstByteMillis *int64 `json:"first_byte_millis,omitempty"`

	Refused  *Decision `json:"refused,omitempty"`
	Instance string    `json:"instance,omitempty"` // the spool that keeps this event until it is recorded
	Spooled  int64     `json:"spooled,omitempty"`  // its number there
}

// CounterAmount is what one event added to one counter.
type CounterAmount struct {
	Counter Counter `json:"counter"`
	Amount  Credits `json:"amount"`
}

// LegAmount is what one leg paid.
type LegAmount struct {
	Kind    LegKind `json:"kind"`
	Subject string  `json:"subject"`
	Amount  Credits `json:"amount"`
}

// ChargesOf lists every counter of a hold with what the cost, spread over its
// legs, adds to it.
func ChargesOf(r HoldRecord, cost Credits, spread []Credits) ([]CounterAmount, []LegAmount) {
	var charges []CounterAmount
	for _, c := range r.Caps {
		charges = append(charges, CounterAmount{c, cost})
	}
	var legs []LegAmount
	for i, l := range r.Legs {
		for _, c := range l.Counters {
			if spread[i] != 0 {
				charges = append(charges, CounterAmount{c, spread[i]})
			}
		}
		if spread[i] != 0 {
			legs = append(legs, LegAmount{l.Kind, l.Counters[0].Subject, spread[i]})
		}
	}
	return charges, legs
}

// EntrySetAside is an entry of the usage stream that could not be booked. It
// is kept until a person has it booked after all, and then as it was.
type EntrySetAside struct {
	ID         string // of the stream
	Raw        []byte
	Reason     string // why it could not be booked, at the last attempt
	SetAsideAt time.Time
	Attempts   int64     // to book it, since
	TriedAt    time.Time // zero before the first
	RecordedAt time.Time // zero while it waits
}
