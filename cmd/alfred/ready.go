package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// readyCommand is the health check of a container that has no other HTTP client.
func readyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ready URL", Short: "Succeed when URL answers 200", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), 3*time.Second)
			defer cancel()
			return answers200(args[0])(ctx)
		},
	}
}
