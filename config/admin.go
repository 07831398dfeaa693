package config

import (
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred"
)

// Admin is the settings of alfred-admin, the control plane.
type Admin struct {
	Shared
	DatabaseURL          Secret // postgres://
	Listen               string // host:port
	BootstrapToken       Secret // lets the first admin in outside development; empty means one is made and logged once
	TrustedProxies       []netip.Prefix
	NotificationsEnabled bool
	SlackWebhookURL      Secret
	PrivateWebhooks      bool   // addresses that are not public may be given as channels
	Providers                   // to ask whether they answer; a mock only where ALFRED_MOCK_URL names it
	UIDir                string // where the web app's build lies; empty means in the program, or in the checkout
	Quotas               Quotas
	ShutdownPause        time.Duration // between saying that it stops and taking no more requests
}

// Quotas seeds the organisation's settings when it is made; afterwards they are changed through the API.
type Quotas struct {
	DefaultPersonalQuota    alfred.Credits
	DefaultTeamPool         alfred.Credits
	VacationSharePercentage int
	CriticalOverdraftLimit  alfred.Credits
}

func defaultAdmin() Admin {
	const credit = alfred.Credits(1_000_000) // micro-credits
	return Admin{
		Shared:               defaultShared(),
		Listen:               "127.0.0.1:8080",
		TrustedProxies:       []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		NotificationsEnabled: true,
		Providers:            providersOfAdmin(),
		Quotas: Quotas{
			DefaultPersonalQuota:    1000 * credit,
			DefaultTeamPool:         10_000 * credit,
			VacationSharePercentage: 10,
			CriticalOverdraftLimit:  5000 * credit,
		},
	}
}

// providersOfAdmin has no mock unless one is named: the data plane may have a key that is not told here.
func providersOfAdmin() Providers {
	p := defaultProviders()
	p.MockURL = ""
	return p
}

// LoadAdmin reads the control plane's settings. The error names every setting that is wrong and what to do.
func LoadAdmin(getenv func(string) string) (Admin, error) {
	c, r := defaultAdmin(), &reader{getenv: getenv}
	c.Shared.read(r)
	r.secret("DATABASE_URL", &c.DatabaseURL)
	checkDatabaseURL(r, c.DatabaseURL)
	r.address("ALFRED_ADMIN_LISTEN", &c.Listen)
	r.duration("ALFRED_SHUTDOWN_PAUSE", &c.ShutdownPause)
	r.secret("ALFRED_BOOTSTRAP_TOKEN", &c.BootstrapToken)
	if n := len(c.BootstrapToken); n > 0 && n < 16 {
		r.bad("ALFRED_BOOTSTRAP_TOKEN", "is %d characters: whoever guesses it owns the installation, give 16 or more, or none", n)
	}
	r.prefixes("ALFRED_TRUSTED_PROXIES", &c.TrustedProxies)
	r.truth("NOTIFICATIONS_ENABLED", &c.NotificationsEnabled)
	r.secret("SLACK_WEBHOOK_URL", &c.SlackWebhookURL)
	c.PrivateWebhooks = c.Environment == Development
	r.truth("ALFRED_PRIVATE_WEBHOOKS", &c.PrivateWebhooks)
	r.text("ALFRED_UI_DIR", &c.UIDir)
	c.Providers.read(r)
	if u, err := url.Parse(c.SlackWebhookURL.Reveal()); c.SlackWebhookURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		r.bad("SLACK_WEBHOOK_URL", "is not an https:// address: copy it from Slack's Incoming Webhooks page")
	}
	r.credits("DEFAULT_PERSONAL_QUOTA", &c.Quotas.DefaultPersonalQuota)
	r.credits("DEFAULT_TEAM_POOL", &c.Quotas.DefaultTeamPool)
	r.whole("VACATION_SHARE_PERCENTAGE", 0, 100, &c.Quotas.VacationSharePercentage)
	r.credits("CRITICAL_OVERDRAFT_LIMIT", &c.Quotas.CriticalOverdraftLimit)
	return c, r.err()
}

func checkDatabaseURL(r *reader, v Secret) {
	const name, example = "DATABASE_URL", "postgres://alfred:password@localhost:5432/alfred" //nolint:gosec // G101: an example
	if v == "" {
		r.bad(name, "is not set: give a Postgres 15 or newer, such as %s; make up runs an embedded one by itself", example)
		return
	}
	scheme, _, _ := strings.Cut(v.Reveal(), ":")
	switch {
	case strings.HasPrefix(scheme, "sqlite"):
		r.bad(name, "names SQLite, which Alfred does not use: remove it and let make up run its embedded Postgres, or give one such as %s", example)
	case strings.HasPrefix(scheme, "postgresql+"):
		r.bad(name, "has the scheme %q: write postgres:// alone, such as %s", scheme, example)
	case scheme != "postgres" && scheme != "postgresql":
		r.bad(name, "is not a postgres:// address: give one such as %s", example)
	default:
		if u, err := url.Parse(v.Reveal()); err != nil || u.Path == "" || u.Path == "/" {
			r.bad(name, "cannot be read: give it as %s, with a database's name and special characters of the password as %%XX", example)
		}
	}
}
