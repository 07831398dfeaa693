// Package e2e holds the stories that run through everything: the official SDKs, a real Envoy, alfred-extproc and alfred-admin as
// child processes, a real Valkey and Postgres, and the mock provider. There is nothing here but tests.
package e2e
