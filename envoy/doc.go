// Package envoy renders the configuration of a standalone Envoy that puts Alfred in front of the model providers, and
// proves it on a real Envoy.
//
// # What the configuration promises
//
// One front door serves every URL. Requests for the control plane go straight to the admin app, with ext_proc off.
// Everything else under /v1 goes through Alfred, and reaches a provider only on a route that matches x-alfred-backend,
// a header that no client can send: it is stripped before any filter runs. It fails closed twice: a dead ext_proc is a
// 503, and a request that Alfred let pass without deciding ends in a route that answers 503 by itself.
//
// # Versions
//
// Proven on Envoy 1.40; 1.39 passes the same tests. Both show ext_proc the answers that Envoy makes itself, which is how
// Alfred learns that a provider could not be reached, and gives the credits back. Versions that still have the runtime guard
// envoy.reloadable_features.skip_ext_proc_on_local_reply (1.36 does) hide them unless it is set to false; it is not set here,
// since an Envoy that no longer knows a guard complains of it as a bug.
//
// # What it leaves to others
//
// Alfred sets the path, the provider's credential and accept-encoding; there is no prefix rewrite and no secret here.
// Identity, quotas and prices are unknown to this package.
package envoy
