package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

const stopLimit = 90 * time.Second

func downCommand() *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "Stop what `alfred up` runs", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := down(c)
			return err
		},
	}
}

func down(c *cobra.Command) (state, error) {
	s, err := openState()
	if err != nil {
		return s, err
	}
	was, err := s.stop(stopLimit)
	if err != nil {
		return s, err
	}
	if was {
		_, _ = fmt.Fprintln(c.OutOrStdout(), "alfred is stopped; its data stays in "+s.path("data"))
	} else {
		_, _ = fmt.Fprintln(c.OutOrStdout(), "alfred was not running")
	}
	return s, nil
}

func resetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "reset", Short: "Stop everything and delete the data (downloads and the secret key stay)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := down(c)
			if err != nil {
				return err
			}
			if err := s.forget(); err != nil {
				return err
			}
			_, _ = fmt.Fprintln(c.OutOrStdout(), "data and logs are deleted; a database that DATABASE_URL or REDIS_URL names is untouched")
			return nil
		},
	}
}
