package extproc

import (
	"strings"

	"github.com/alfred-envoy/alfred"
)

// keychain knows the installation's pepper, which makes and checks keys.
type keychain struct{ pepper []byte }

// hash returns what the directory knows a key by, or "" for a string that no
// Alfred with this pepper ever issued: such a string reaches no store.
func (k keychain) hash(secret string) string {
	if !alfred.CheckSecret(secret, k.pepper) {
		return ""
	}
	return alfred.HashSecret(secret, k.pepper)
}

// credential is the one key that a request carries, in Authorization or in
// X-API-Key. Two that differ are refused, since either could be meant.
func (h *headers) credential() (string, *alfred.Refusal) {
	var secret string
	for _, s := range append(h.bearer, h.apiKey...) {
		if s == "" {
			continue
		}
		if secret != "" && s != secret {
			return "", &alfred.Refusal{
				Code: alfred.CodeConflictingKeys, Field: "X-API-Key",
				Detail: "The request carries two different API keys. Send one, in Authorization or in X-API-Key.",
			}
		}
		secret = s
	}
	if secret == "" {
		return "", &alfred.Refusal{
			Code: alfred.CodeMissingKey, Field: "Authorization",
			Detail: "The request carries no API key. Send Authorization: Bearer tp-… or X-API-Key: tp-….",
		}
	}
	return secret, nil
}

// bearerToken reads the value of Authorization. A scheme other than Bearer is
// returned as it stands: it is no key, and the answer will say so.
func bearerToken(value string) string {
	scheme, token, ok := strings.Cut(strings.TrimSpace(value), " ")
	if ok && strings.EqualFold(scheme, "bearer") {
		return strings.TrimSpace(token)
	}
	if strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return value
}
