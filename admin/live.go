package admin

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Live is the live truth of open windows: what is held and spent now, and the
// directory that the data plane reads.
type Live interface {
	Balances(ctx context.Context, org alfred.OrgID, counters []alfred.Counter) ([]alfred.Balance, error)
	TakeOutflow(ctx context.Context, o alfred.Outflow) (alfred.OutflowReply, error)
	UndoOutflow(ctx context.Context, o alfred.Outflow) error
	// Catalog is what was published last, nil when there is nothing.
	Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error)
	// Principal is the published record of a credential, nil when there is none.
	Principal(ctx context.Context, keyHash string) (*alfred.Principal, error)
	PublishCatalog(ctx context.Context, c *alfred.Catalog) error
	PublishPrincipals(ctx context.Context, byKeyHash map[string]*alfred.Principal) error
	// Lineage changes when the store may have lost what it had acknowledged to
	// the one who asks.
	Lineage(ctx context.Context, instance string) (string, error)
	// OpenHolds is how many requests are in flight.
	OpenHolds(ctx context.Context, org alfred.OrgID) (int64, error)
	// Unrecorded is how many events wait to be recorded, and when the oldest of
	// them was written: the zero time when there is none.
	Unrecorded(ctx context.Context, org alfred.OrgID) (oldest time.Time, waiting int64, err error)
	Ping(ctx context.Context) error
	Ledger
}

// Entry is one event of the usage stream.
type Entry struct {
	ID    string
	Event alfred.UsageEvent
	Raw   []byte
	Err   error // why the entry could not be read
}

// Events is the usage stream as the recorder reads it.
type Events interface {
	ReadEvents(ctx context.Context, org alfred.OrgID, consumer string, max int, block time.Duration) ([]Entry, error)
	AckEvents(ctx context.Context, org alfred.OrgID, ids []string) error
	// ConfirmSpool tells a data plane which entries of its spool are recorded.
	ConfirmSpool(ctx context.Context, instance string, seqs []int64) error
}
