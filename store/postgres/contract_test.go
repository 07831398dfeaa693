package postgres_test

import (
	"github.com/alfred-envoy/alfred/admin"
	"github.com/alfred-envoy/alfred/store/postgres"
)

// The store is all that the control plane asks of its record.
var _ admin.Records = (*postgres.Store)(nil)
