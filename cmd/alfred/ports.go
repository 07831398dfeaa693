package main

import (
	"errors"
	"fmt"
	"net"

	"github.com/alfred-envoy/alfred/config"
)

// portsFree names every port that is needed and taken, and the variable that moves it.
func portsFree(c config.Local) error {
	var errs []error
	for _, p := range []struct {
		needed bool
		port   int
		what   string
		name   string
	}{
		{true, c.Port, "the front door", "ALFRED_PORT"},
		{true, c.EnvoyPort, "Envoy's administration", "ALFRED_ENVOY_PORT"},
		{true, c.AdminPort, "alfred-admin", "ALFRED_ADMIN_PORT"},
		{true, c.ExtprocPort, "alfred-extproc's health and metrics", "ALFRED_EXTPROC_PORT"},
		{c.OpenAIKey == "", c.MockPort, "the mock provider", "ALFRED_MOCK_PORT"},
		{c.DatabaseURL == "", c.PostgresPort, "Postgres", "ALFRED_POSTGRES_PORT"},
		{c.RedisURL == "", c.ValkeyPort, "Valkey", "ALFRED_VALKEY_PORT"},
	} {
		if !p.needed {
			continue
		}
		l, err := net.Listen("tcp", loopback(p.port))
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d, for %s, is not free: stop what listens there, or choose another with %s=%d (%w)",
				p.port, p.what, p.name, p.port%50_000+10_000, err))
			continue
		}
		_ = l.Close()
	}
	return errors.Join(errs...)
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
