package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

func fetchCommand() *cobra.Command {
	var tests bool
	c := &cobra.Command{
		Use: "fetch", Short: "Find or fetch the servers that `alfred up` runs, without starting anything", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			wanted := []struct {
				name string
				find func(context.Context, io.Writer) (string, error)
			}{{"Envoy", parts.Envoy}, {"Valkey", parts.RedisServer}, {"Postgres", parts.Postgres}}
			if tests {
				wanted[1].find = parts.Valkey
			}
			for _, w := range wanted {
				path, err := w.find(c.Context(), c.OutOrStdout())
				if err != nil {
					return err
				}
				_, _ = fmt.Fprintf(c.OutOrStdout(), "%-9s %s\n", w.name, path)
			}
			if !tests {
				return nil
			}
			// The tests run the ledger on both. Those that lack it say so themselves, and fail on CI.
			path, err := parts.Redis7(c.Context(), c.OutOrStdout())
			if err != nil {
				path = err.Error()
			}
			_, _ = fmt.Fprintf(c.OutOrStdout(), "%-9s %s\n", "Redis", path)
			if path, err = parts.Chromium(c.Context(), c.OutOrStdout()); err != nil {
				path = err.Error()
			}
			_, _ = fmt.Fprintf(c.OutOrStdout(), "%-9s %s\n", "Chromium", path)
			return nil
		},
	}
	c.Flags().BoolVar(&tests, "tests", false, "also what the tests need beyond it: a Redis 7, a Chromium")
	return c
}
