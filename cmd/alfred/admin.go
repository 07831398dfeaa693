package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/config"
)

// adminSettings is the file with what alfred-admin was given, for the person's own commands on the same installation.
func (s state) adminSettings() string { return s.path("run", "admin.json") }

// adminRun is the program and the settings of an alfred-admin.
type adminRun struct {
	Program string            `json:"program"`
	Env     map[string]string `json:"env"`
}

func (l launch) keepAdminSettings(env map[string]string) error {
	text, err := json.Marshal(adminRun{filepath.Join(l.bin, "alfred-admin"), pick(env, config.AdminNames())})
	if err != nil {
		return fmt.Errorf("keep alfred-admin's settings: %w", err)
	}
	if err := os.WriteFile(l.adminSettings(), text, 0o600); err != nil {
		return fmt.Errorf("keep alfred-admin's settings: %w", err)
	}
	return nil
}

func adminCommand() *cobra.Command {
	return &cobra.Command{
		Use: "admin COMMAND", Short: "Run a command of alfred-admin, such as bootstrap-recover, on the running installation",
		DisableFlagParsing: true, // all of it is alfred-admin's
		RunE: func(c *cobra.Command, args []string) error {
			s, err := openState()
			if err != nil {
				return err
			}
			text, err := os.ReadFile(s.adminSettings())
			if errors.Is(err, fs.ErrNotExist) {
				return errors.New("nothing has run here yet: make up first, and keep it running")
			}
			if err != nil {
				return fmt.Errorf("read alfred-admin's settings: %w", err)
			}
			var run adminRun
			if err := json.Unmarshal(text, &run); err != nil {
				return fmt.Errorf("read alfred-admin's settings: %w", err)
			}
			admin := exec.CommandContext(c.Context(), run.Program, args...)
			admin.Env, admin.Dir = environ(run.Env), s.path("run")
			admin.Stdin, admin.Stdout, admin.Stderr = os.Stdin, c.OutOrStdout(), c.ErrOrStderr()
			return admin.Run()
		},
	}
}
