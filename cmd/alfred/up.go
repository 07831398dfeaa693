package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
	"github.com/alfred-envoy/alfred/config"
)

func upCommand() *cobra.Command {
	var noBuild bool
	var envoyPath string
	c := &cobra.Command{
		Use: "up", Short: "Run everything on this machine until Ctrl-C", Args: cobra.NoArgs,
		Long: "Run Postgres, Valkey, a mock provider, alfred-extproc, alfred-admin and Envoy on 127.0.0.1, as real processes, until Ctrl-C or\n" +
			"`alfred down`. What the machine lacks is fetched. DATABASE_URL, REDIS_URL, OPENAI_API_KEY and ANTHROPIC_API_KEY each replace one\n" +
			"part; .env.example lists every setting. State is kept in .alfred.",
		RunE: func(c *cobra.Command, _ []string) error {
			getenv, err := settings()
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			bin, err := planes(c.Context(), filepath.Dir(self), !noBuild, c.OutOrStdout())
			if err != nil {
				return err
			}
			s, err := openState()
			if err != nil {
				return err
			}
			return up(c.Context(), launch{state: s, self: self, bin: bin, envoyPath: envoyPath, getenv: getenv, out: c.OutOrStdout()})
		},
	}
	c.Flags().BoolVar(&noBuild, "no-build", false, "never build alfred-extproc and alfred-admin, only use what lies beside this program")
	c.Flags().StringVar(&envoyPath, "envoy-path", "", "an Envoy of your own, 1.37 or newer")
	return c
}

// launch is what one `alfred up` works with.
type launch struct {
	state
	self      string // this program, for `alfred mock`
	bin       string // holds alfred-extproc and alfred-admin
	envoyPath string // "" = find or fetch
	getenv    func(string) string
	out       io.Writer
}

// up runs everything until ctx ends, which is no error, or until a part ends by itself, which is one. Nothing it started is left
// behind either way.
func up(ctx context.Context, l launch) error {
	local, err := config.LoadLocal(l.getenv)
	if err != nil {
		return err
	}
	env, err := l.planesEnv(local)
	if err != nil {
		return err
	}
	if err := settled(env); err != nil {
		return err
	}
	release, err := l.claim()
	if err != nil {
		return err
	}
	defer release()
	if err := portsFree(local); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(l.out, "Alfred starts on this machine; its state is in %s\n", l.home)
	found, err := l.find(ctx, local)
	if err != nil {
		return stopped(ctx, err)
	}
	s := &stack{out: l.out}
	defer l.leave()
	defer s.stop()
	if err := l.start(ctx, s, local, found, env); err != nil {
		return stopped(ctx, err)
	}
	guide(ctx, l.out, local)
	return s.wait(ctx)
}

// stopped turns an error into none when it came of the person's own Ctrl-C.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// found is the servers to run; one that is replaced by a setting is "".
type found struct{ envoy, redis, postgres string }

func (l launch) find(ctx context.Context, local config.Local) (f found, err error) {
	progress := indent{l.out}
	if l.envoyPath != "" {
		f.envoy, err = parts.EnvoyAt(ctx, l.envoyPath)
	} else {
		f.envoy, err = parts.Envoy(ctx, progress)
	}
	if err != nil {
		return f, err
	}
	if local.RedisURL == "" {
		if f.redis, err = parts.RedisServer(ctx, progress); err != nil {
			return f, err
		}
	}
	if local.DatabaseURL == "" {
		if f.postgres, err = parts.PostgresFor(ctx, l.path("data", "postgres"), progress); err != nil {
			return f, err
		}
	}
	return f, nil
}

// indent sets lines off from the headline.
type indent struct{ w io.Writer }

func (i indent) Write(b []byte) (int, error) {
	if _, err := io.WriteString(i.w, "  "); err != nil {
		return 0, err
	}
	return i.w.Write(b)
}
