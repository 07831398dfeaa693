package extproc

import (
	"context"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Ledger is the live store of what is held and spent. Every call is
// idempotent by hold.
type Ledger interface {
	Reserve(ctx context.Context, r alfred.ReserveRequest) (alfred.ReserveReply, error)
	Extend(ctx context.Context, r alfred.HoldRecord, ttl time.Duration) (bool, error)
	Settle(ctx context.Context, s alfred.Settlement) (alfred.EndState, error)
	// Void releases a hold. A record with only Org and Hold is one whose fate
	// is unknown: a reserve that arrives later is refused.
	Void(ctx context.Context, r alfred.HoldRecord, e alfred.UsageEvent) (alfred.EndState, error)
	Reap(ctx context.Context, org alfred.OrgID, limit int) (int, error)
	// Epoch says whether the ledger may be believed.
	Epoch(ctx context.Context, org alfred.OrgID) (alfred.Epoch, error)
	AppendEvents(ctx context.Context, org alfred.OrgID, events []alfred.UsageEvent) error
}

// Directory is what the control plane has published. Catalog and Principal
// return nil or an error of alfred.CodeNotFound for what is not there.
type Directory interface {
	Catalog(ctx context.Context, org alfred.OrgID) (*alfred.Catalog, error)
	Principal(ctx context.Context, keyHash string) (*alfred.Principal, error)
	Orgs(ctx context.Context) ([]alfred.OrgID, error)
	// Watch calls changed for every change until ctx ends or the connection
	// is lost.
	Watch(ctx context.Context, changed func(Change)) error
}

// Change says what was published: the record of a key, or, without a hash,
// the catalog of an organisation. The zero Change says that some may have been
// missed.
type Change struct {
	Org     alfred.OrgID
	Version int64
	KeyHash string
}
