package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/cmd/alfred/mock"
)

func mockCommand() *cobra.Command {
	var listen string
	c := &cobra.Command{
		Use: "mock", Short: "Serve a mock provider: OpenAI's chat completions without a key", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("serve the mock provider: %w", err)
			}
			_, _ = fmt.Fprintf(c.OutOrStdout(), "mock provider on http://%s/v1\n", l.Addr())
			return serve(c.Context(), l, mock.NewHandler())
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8081", "address to serve on")
	return c
}

// serve answers until ctx ends, and then lets running answers end within a few seconds.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := s.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stop the mock provider: %w", err)
	}
	return s.Close()
}
