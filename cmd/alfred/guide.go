package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/alfred-envoy/alfred/config"
)

// guide prints what to do next: the user guide's commands, chained through a shell variable so that they can be pasted as they
// are. Where there is an admin already, it asks for their key instead.
func guide(ctx context.Context, out io.Writer, local config.Local) {
	base := fmt.Sprintf("http://localhost:%d", local.Port)
	first := fmt.Sprintf(firstAdmin, base)
	if peopled(ctx, base) {
		first = keyOfSomebody
	}
	model := "gpt-4"
	if local.OpenAIKey != "" {
		model = "gpt-4o-mini"
	}
	_, _ = fmt.Fprintf(out, `
Alfred is ready.   Dashboard: %[1]s/static/   API: %[1]s/v1

%[3]s
Make a completion, and see what it cost:

  curl -s %[1]s/v1/chat/completions -H "Authorization: Bearer $KEY" \
    -H "Content-Type: application/json" \
    -d '{"model": "%[2]s", "messages": [{"role": "user", "content": "Hello!"}]}'; echo

  curl -s %[1]s/v1/users/me/quota -H "Authorization: Bearer $KEY"; echo

Stop with Ctrl-C here, or with "make down" elsewhere; "make reset" deletes the data.
`, base, model, first)
}

const firstAdmin = `Create your first admin user (once; save the key, it cannot be shown again):

  KEY=$(curl -s -X POST %[1]s/v1/admin/users \
    -H "Content-Type: application/json" \
    -d '{"email": "admin@company.com", "name": "Admin User", "personal_quota": 10000}' \
    | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["api_key"]) if "api_key" in d else sys.exit(d.get("detail", str(d)))'); echo "$KEY"
`

const keyOfSomebody = `People are here already: set KEY to the key of one, as in KEY=tp-your-api-key.
An owner who lost theirs gets a new one by "bin/alfred admin bootstrap-recover".
`

// peopled says whether the first admin exists: from then on nobody is let in without a key. An empty body creates no one.
func peopled(ctx context.Context, base string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/admin/users?dry_run=true", strings.NewReader("{}"))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusUnauthorized
}
