// Package browser runs the web app in a real Chromium over everything that `make up` starts: Envoy, alfred-extproc, alfred-admin,
// Postgres and Valkey, with people, teams and usage in it. What it does there is in the TypeScript files beside it.
package browser
