package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// dial makes the client that a URL asks for. The deadline of each call bounds
// everything, dialling included. What a network error may have executed is
// sent once more, which is safe because every script is idempotent; what a
// server has refused for the moment is sent until the deadline (patience).
func dial(o Options) (redis.UniversalClient, Shape, error) {
	a, err := parseAddress(o.URL)
	if err != nil {
		return nil, "", fmt.Errorf("read REDIS_URL: %w", err)
	}
	var secure *tls.Config
	if a.tls {
		if secure, err = o.TLS.config(); err != nil {
			return nil, "", err
		}
	} else if o.TLS != (TLS{}) {
		return nil, "", errors.New("certificates are given for Redis, and REDIS_URL does not ask for TLS: write rediss")
	}
	u := &redis.UniversalOptions{}
	u.Addrs, u.Username, u.Password, u.PoolSize = a.hosts, a.user, a.password, o.PoolSize
	u.ContextTimeoutEnabled = true
	u.DialerRetries = 1
	u.DialTimeout = max(o.Timeout, background)
	u.ReadTimeout, u.WriteTimeout = u.DialTimeout, u.DialTimeout
	u.MaxRetries = 1
	u.MinRetryBackoff = time.Millisecond
	u.MaxRetryBackoff = 5 * time.Millisecond
	u.DisableIdentity = true
	u.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}

	if a.tls {
		u.Dialer = secureDialer(secure, u.DialTimeout)
	}

	switch a.shape {
	case Cluster:
		options := u.Cluster()
		options.MaxRetries = 0 // a node's; the cluster's own are the redirects
		options.MaxRedirects = 4
		options.ClusterStateReloadInterval = 10 * time.Second
		options.NewClient = func(node *redis.Options) *redis.Client {
			behind := &origin{}
			node.OnConnect = behind.connected
			client := redis.NewClient(node)
			client.AddHook(behind)
			return client
		}
		client := redis.NewClusterClient(options)
		client.AddHook(patience{reload: client.ReloadState})
		return client, a.shape, nil
	case Sentinel:
		options := u.Failover()
		options.MasterName = a.master
		options.SentinelUsername = a.sentinel.Username()
		options.SentinelPassword, _ = a.sentinel.Password()
		if a.db != "" {
			if options.DB, err = strconv.Atoi(a.db); err != nil {
				return nil, "", fmt.Errorf("read REDIS_URL: the database is %q, not a number", a.db)
			}
		}
		behind := &origin{}
		options.OnConnect = behind.connected
		client := redis.NewFailoverClient(options)
		client.AddHook(patience{})
		client.AddHook(behind)
		return client, a.shape, nil
	default:
		options := a.single
		if a.tls {
			secure.ServerName = options.TLSConfig.ServerName
			secure.InsecureSkipVerify = options.TLSConfig.InsecureSkipVerify // asked for by skip_verify of the URL
			options.TLSConfig, options.Dialer = nil, u.Dialer
		}
		if o.PoolSize > 0 {
			options.PoolSize = o.PoolSize
		}
		options.ContextTimeoutEnabled = u.ContextTimeoutEnabled
		options.DialerRetries = u.DialerRetries
		options.DialTimeout, options.ReadTimeout, options.WriteTimeout = u.DialTimeout, u.ReadTimeout, u.WriteTimeout
		options.MaxRetries, options.MinRetryBackoff, options.MaxRetryBackoff = u.MaxRetries, u.MinRetryBackoff, u.MaxRetryBackoff
		options.DisableIdentity = true
		options.MaintNotificationsConfig = u.MaintNotificationsConfig
		behind := &origin{}
		options.OnConnect = behind.connected
		client := redis.NewClient(options)
		client.AddHook(patience{})
		client.AddHook(behind)
		return client, a.shape, nil
	}
}
