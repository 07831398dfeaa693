package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Getenv returns a lookup over the process's environment and, behind it, the .env file at path. A file that does not exist is an
// empty one.
func Getenv(path string) (func(name string) string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	file, err := ParseDotenv(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return func(name string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		return file[name]
	}, nil
}

// ParseDotenv reads lines `NAME=value`. Spaces around the sign, `export` before the name, quotes around the value, comment lines and
// comments after a space are understood; in quotes everything is literal. A line that is none of this is an error that names the
// line and never shows it, because it may hold a secret.
func ParseDotenv(text string) (map[string]string, error) {
	values := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t'\"") {
			return nil, fmt.Errorf("line %d is not NAME=value", i+1)
		}
		value, err := dotenvValue(strings.TrimSpace(value))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		values[name] = value
	}
	return values, nil
}

func dotenvValue(v string) (string, error) {
	if v != "" && (v[0] == '"' || v[0] == '\'') {
		end := strings.IndexByte(v[1:], v[0])
		if end < 0 {
			return "", errors.New("the quote is not closed")
		}
		if rest := strings.TrimSpace(v[end+2:]); rest != "" && !strings.HasPrefix(rest, "#") {
			return "", errors.New("something follows the closing quote")
		}
		return v[1 : end+1], nil
	}
	for i := range v {
		if v[i] == '#' && (i == 0 || v[i-1] == ' ' || v[i-1] == '\t') {
			v = v[:i]
			break
		}
	}
	return strings.TrimSpace(v), nil
}
