package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/config"
)

// errUnwell is the end of a doctor that has found something wrong.
var errUnwell = errors.New("something is wrong: see above")

// finding is the state of one part, and what to do about it.
type finding struct {
	Part   string  `json:"part"`
	State  verdict `json:"state"`
	Found  string  `json:"found"`
	Remedy string  `json:"remedy,omitempty"` // what to do; "" when nothing is wrong
}

type verdict string

// The verdicts. Unknown is what cannot be seen from here, because what would
// tell it does not answer.
const (
	well    verdict = "ok"
	unwell  verdict = "wrong"
	unknown verdict = "unknown"
)

// addresses are where the running parts tell of themselves.
type addresses struct{ extproc, admin, envoy string }

func doctorCommand() *cobra.Command {
	var asJSON bool
	var at addresses
	c := &cobra.Command{
		Use: "doctor", Short: "Say how every part is, and what to do about what is wrong", Args: cobra.NoArgs,
		Long: "Look at Postgres, Redis, the live ledger, the recorder, the spool, alfred-extproc, alfred-admin, Envoy and the keys of the providers,\n" +
			"as the environment and .env name them. It changes nothing. Fails when anything is wrong.",
		RunE: func(c *cobra.Command, _ []string) error {
			getenv, err := settings()
			if err != nil {
				return err
			}
			local, err := config.LoadLocal(getenv)
			if err != nil {
				return err
			}
			for to, port := range map[*string]int{&at.extproc: local.ExtprocPort, &at.admin: local.AdminPort, &at.envoy: local.EnvoyPort} {
				if *to == "" {
					*to = "http://" + loopback(port)
				}
			}
			found := examine(c.Context(), local, getenv, at)
			if err := tell(c.OutOrStdout(), found, asJSON); err != nil {
				return err
			}
			for _, f := range found {
				if f.State == unwell {
					return errUnwell
				}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().StringVar(&at.extproc, "extproc", "", "where alfred-extproc serves health and metrics (default: 127.0.0.1 at ALFRED_EXTPROC_PORT)")
	c.Flags().StringVar(&at.admin, "admin", "", "where alfred-admin listens (default: 127.0.0.1 at ALFRED_ADMIN_PORT)")
	c.Flags().StringVar(&at.envoy, "envoy", "", "where Envoy's administration listens (default: 127.0.0.1 at ALFRED_ENVOY_PORT)")
	return c
}

// tell prints what was found, a line for each part and one for what to do.
func tell(w io.Writer, found []finding, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"as_of": time.Now().UTC().Truncate(time.Second), "parts": found})
	}
	for _, f := range found {
		if _, err := fmt.Fprintf(w, "%-8s %-18s %s\n", f.State, f.Part, f.Found); err != nil {
			return err
		}
		if f.Remedy != "" {
			if _, err := fmt.Fprintf(w, "%-8s %-18s → %s\n", "", "", f.Remedy); err != nil {
				return err
			}
		}
	}
	return nil
}
