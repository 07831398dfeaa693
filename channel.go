package alfred

import "time"

// Channel is where an organisation is told of things outside the web app.
type Channel struct {
	ID        string
	Org       OrgID
	Kind      ChannelKind
	Name      string
	Address   []byte // sealed: whoever has it may write there
	Shown     string // what may be shown of the address
	From      int    // percent: alerts from this threshold on; 0 is none
	Transfers bool   // credits that people give each other
	Version   int64
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ChannelKind is how a channel is spoken to.
type ChannelKind string

// ChannelSlack is an incoming webhook of Slack, or of what takes its messages.
const ChannelSlack ChannelKind = "slack"

// ChannelOfEnvironment is the id of the channel that the environment names,
// which is of no organisation's record.
const ChannelOfEnvironment = "environment"

// Hears says whether a channel is told of an alert.
func (c Channel) Hears(a Alert) bool { return c.From > 0 && a.Threshold >= c.From }

// Delivery is one message on its way to one channel. Its text is of the moment
// at which it was written.
type Delivery struct {
	ID        string
	Org       OrgID
	Channel   string
	About     DeliveryAbout
	Text      string
	State     DeliveryState
	Attempts  int
	Detail    string    // why the last attempt did not arrive
	NextAt    time.Time // of one that is pending
	CreatedAt time.Time
	EndedAt   time.Time
}

// DeliveryAbout says what a message tells of.
type DeliveryAbout string

const (
	AboutAlert    DeliveryAbout = "alert"
	AboutTransfer DeliveryAbout = "transfer"
	AboutTest     DeliveryAbout = "test"
)

// DeliveryState is where a message stands.
type DeliveryState string

const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryFailed    DeliveryState = "failed" // given up
	DeliveryOff       DeliveryState = "off"    // written down while nothing was sent
)

const (
	firstRetry = 10 * time.Second
	longRetry  = time.Hour
	// GiveUpAfter is how long a message is worth sending.
	GiveUpAfter = 24 * time.Hour
)

// DeliveryOutcome is what an attempt to deliver came to.
type DeliveryOutcome struct {
	Delivered bool
	Hopeless  bool          // it would be refused again
	Wait      time.Duration // that the other side asked for
	Detail    string
}

// After returns a delivery as it stands after an attempt: delivered, given up,
// or to be tried again after ten seconds, four times that, and so on, at most
// an hour, for a day. A test is tried once: somebody waits for it.
func (d Delivery) After(o DeliveryOutcome, now time.Time) Delivery {
	d.Detail, d.NextAt = o.Detail, time.Time{}
	wait := firstRetry
	for range d.Attempts - 1 {
		wait = min(wait*4, longRetry)
	}
	wait = max(wait, min(o.Wait, longRetry))
	switch {
	case o.Delivered:
		d.State, d.EndedAt = DeliveryDelivered, now
	case o.Hopeless, d.About == AboutTest, now.Add(wait).Sub(d.CreatedAt) > GiveUpAfter:
		d.State, d.EndedAt = DeliveryFailed, now
	default:
		d.State, d.NextAt = DeliveryPending, now.Add(wait)
	}
	return d
}
