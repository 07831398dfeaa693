package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/alfred-envoy/alfred/cmd/alfred/parts"
)

func uiCommand() *cobra.Command {
	var optional bool
	c := &cobra.Command{
		Use: "ui", Short: "Build the web app in a checkout, if its sources changed", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := buildUI(c.Context(), filepath.Join(parts.Checkout(), "admin", "web"), c.OutOrStdout())
			if optional && errors.Is(err, errNoNode) {
				_, _ = fmt.Fprintln(c.OutOrStdout(), "web app: not built,", err)
				return nil
			}
			return err
		},
	}
	c.Flags().BoolVar(&optional, "optional", false, "succeed where Node is missing")
	return c
}

// errNoNode says that the machine cannot build the web app. Everything else works without it.
var errNoNode = errors.New("Node 20.19 or newer with npm is not on PATH: install it and run `make ui`") //nolint:staticcheck // ST1005: Node is a name

// buildUI builds the web app in dir when its build is older than its sources, and says what it does.
func buildUI(ctx context.Context, dir string, out io.Writer) error {
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
		return fmt.Errorf("build the web app: %s has no sources of it", dir)
	}
	stale, err := uiStale(dir)
	if err != nil || !stale {
		return err
	}
	if err := haveNode(ctx); err != nil {
		return err
	}
	lock, err := os.Stat(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("build the web app: %w", err)
	}
	installed, err := os.Stat(filepath.Join(dir, "node_modules", ".package-lock.json"))
	if err != nil || installed.ModTime().Before(lock.ModTime()) {
		if err := npm(ctx, dir, out, "web app: installing its packages (350 MB on disk, a minute) …", "ci", "--no-progress"); err != nil {
			return err
		}
	}
	return npm(ctx, dir, out, "web app: building (half a minute) …", "run", "build")
}

func npm(ctx context.Context, dir string, out io.Writer, what string, args ...string) error {
	since := time.Now()
	_, _ = fmt.Fprint(out, what)
	c := exec.CommandContext(ctx, "npm", args...)
	c.Dir = dir
	text, err := c.CombinedOutput()
	if err != nil {
		_, _ = fmt.Fprintln(out)
		return fmt.Errorf("npm %s: %w\n%s", strings.Join(args, " "), err, text)
	}
	_, _ = fmt.Fprintf(out, " %.0f s\n", time.Since(since).Seconds())
	return nil
}

// uiStale says whether a source is newer than the build, or there is none.
func uiStale(dir string) (bool, error) {
	built, err := os.Stat(filepath.Join(dir, "dist", "index.html"))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the web app's build: %w", err)
	}
	stale := false
	for _, source := range []string{"src", "public", "scripts", "index.html", "package-lock.json", "vite.config.ts"} {
		err := filepath.WalkDir(filepath.Join(dir, source), func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err == nil && !d.IsDir() && info.ModTime().After(built.ModTime()) {
				stale = true
				return fs.SkipAll
			}
			return err
		})
		if err != nil {
			return false, fmt.Errorf("look at the web app's sources: %w", err)
		}
	}
	return stale, nil
}

// haveNode is errNoNode unless a Node that is new enough is there, with npm.
func haveNode(ctx context.Context) error {
	if _, err := exec.LookPath("npm"); err != nil {
		return errNoNode
	}
	text, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil || !nodeFits(string(text)) {
		return errNoNode
	}
	return nil
}

// nodeFits says whether a version as Node prints it is 20.19 or newer.
func nodeFits(version string) bool {
	m := regexp.MustCompile(`^v(\d+)\.(\d+)\.`).FindStringSubmatch(version)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return major > 20 || major == 20 && minor >= 19
}

// uiDir is the checkout's build of the web app, or "" where there is none.
func uiDir() string {
	dir := filepath.Join(parts.Checkout(), "admin", "web", "dist")
	if _, err := os.Stat(filepath.Join(dir, "index.html")); err != nil {
		return ""
	}
	return dir
}
