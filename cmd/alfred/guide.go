package main

import (
	"fmt"
	"io"

	"github.com/alfred-envoy/alfred/config"
)

// guide prints what to do next: the user guide's commands, chained through a shell variable so that they can be pasted as they are.
func guide(out io.Writer, local config.Local) {
	base := fmt.Sprintf("http://localhost:%d", local.Port)
	model := "gpt-4"
	if local.OpenAIKey != "" {
		model = "gpt-4o-mini"
	}
	_, _ = fmt.Fprintf(out, `
Alfred is ready.   Dashboard: %[1]s/static/   API: %[1]s/v1

Create your first admin user (once; save the key, it cannot be shown again):

  KEY=$(curl -s -X POST %[1]s/v1/admin/users \
    -H "Content-Type: application/json" \
    -d '{"email": "admin@company.com", "name": "Admin User", "personal_quota": 10000}' \
    | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["api_key"]) if "api_key" in d else sys.exit(d.get("detail", str(d)))'); echo "$KEY"

Make a completion, and see what it cost:

  curl -s %[1]s/v1/chat/completions -H "Authorization: Bearer $KEY" \
    -H "Content-Type: application/json" \
    -d '{"model": "%[2]s", "messages": [{"role": "user", "content": "Hello!"}]}'; echo

  curl -s %[1]s/v1/users/me/quota -H "Authorization: Bearer $KEY"; echo

Stop with Ctrl-C here, or with "make down" elsewhere; "make reset" deletes the data.
`, base, model)
}
