// Command alfred is the person's tool: it runs everything on one machine (up, down, reset), stands in for a provider (mock) and
// prints Envoy's configuration (envoy).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/config"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run carries out one command line and returns the exit code: 0 also after Ctrl-C, 1 for every failure.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this process at once; the kernel then ends its children
	root := &cobra.Command{
		Use:           "alfred",
		Short:         "Alfred governs credits for LLM traffic",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(upCommand(), downCommand(), resetCommand(), mockCommand(), envoyCommand(), adminCommand(), fetchCommand(), readyCommand(), doctorCommand(), uiCommand(), versionCommand())
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "alfred: %v\n", err)
		return 1
	}
	return 0
}

// settings is a lookup over the environment and the .env file of the working directory.
func settings() (func(string) string, error) { return config.Getenv(".env") }

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(c *cobra.Command, _ []string) {
			_, _ = fmt.Fprintln(c.OutOrStdout(), "alfred", alfred.Version)
		},
	}
}
