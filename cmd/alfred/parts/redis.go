package parts

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// RedisConfig says how to run a Valkey or Redis. It listens on 127.0.0.1:Port or on Socket; with neither, on a free port.
type RedisConfig struct {
	Binary     string
	Dir        string // data; made when missing
	Port       int
	Socket     string   // unix socket path instead of a port
	Password   string   // optional
	AppendOnly bool     // keep data between runs
	Log        string   // default: <Dir>/redis.log
	More       []string // further lines of its configuration
}

// Redis is a running Valkey or Redis.
type Redis struct {
	*Process
	config RedisConfig
}

// StartValkey runs cfg.Binary, Valkey or Redis alike, and waits until it answers.
func StartValkey(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start valkey: %w", err)
	}
	if cfg.Log == "" {
		cfg.Log = filepath.Join(cfg.Dir, "redis.log")
	}
	if cfg.Port == 0 && cfg.Socket == "" {
		port, err := FreePort()
		if err != nil {
			return nil, fmt.Errorf("start valkey: %w", err)
		}
		cfg.Port = port
	}
	conf := filepath.Join(cfg.Dir, "redis.conf")
	if err := os.WriteFile(conf, []byte(cfg.file()), 0o600); err != nil {
		return nil, fmt.Errorf("start valkey: %w", err)
	}
	p, err := Start(Command{Name: filepath.Base(cfg.Binary), Path: cfg.Binary, Args: []string{conf}, Dir: cfg.Dir, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	r := &Redis{Process: p, config: cfg}
	if err := p.Await(ctx, time.Minute, r.ping); err != nil {
		p.Kill()
		return nil, err
	}
	return r, nil
}

// file is the server's configuration. Nothing is ever evicted: a counter that disappears would be credit from nowhere.
func (c RedisConfig) file() string {
	var b strings.Builder
	set := func(name, value string) { fmt.Fprintf(&b, "%s %s\n", name, value) }
	set("daemonize", "no")
	set("dir", fmt.Sprintf("%q", c.Dir))
	set("save", `""`)
	set("maxmemory-policy", "noeviction")
	set("databases", "16")
	if c.AppendOnly {
		set("appendonly", "yes")
		set("appendfsync", "everysec")
	}
	if c.Password != "" {
		set("requirepass", fmt.Sprintf("%q", c.Password))
	}
	if c.Socket != "" {
		set("port", "0")
		set("unixsocket", fmt.Sprintf("%q", c.Socket))
		set("unixsocketperm", "700")
	} else {
		set("port", fmt.Sprint(c.Port))
		set("bind", "127.0.0.1")
	}
	for _, line := range c.More {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// URL is the address in the form that REDIS_URL takes.
func (r *Redis) URL() string {
	u := url.URL{Scheme: "redis", Host: fmt.Sprintf("127.0.0.1:%d", r.config.Port), Path: "/0"}
	if r.config.Socket != "" {
		u = url.URL{Scheme: "unix", Path: r.config.Socket}
	}
	if r.config.Password != "" {
		u.User = url.UserPassword("", r.config.Password)
	}
	return u.String()
}

// Stop ends the server in order: with AppendOnly, everything is on disk afterwards.
func (r *Redis) Stop() { r.Process.Stop(20 * time.Second) }

func (r *Redis) ping(ctx context.Context) error {
	network, address := "tcp", fmt.Sprintf("127.0.0.1:%d", r.config.Port)
	if r.config.Socket != "" {
		network, address = "unix", r.config.Socket
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	var send []string
	if r.config.Password != "" {
		send = append(send, "AUTH "+r.config.Password)
	}
	lines := bufio.NewReader(conn)
	for _, command := range append(send, "PING") {
		if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
			return err
		}
		reply, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		if !strings.HasPrefix(reply, "+") {
			return fmt.Errorf("answers %s", strings.TrimSpace(reply))
		}
	}
	return nil
}
