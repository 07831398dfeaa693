// Package api is the control plane's interface as generated from
// openapi.yaml, which is edited by hand and comes first.
package api

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml openapi.yaml
