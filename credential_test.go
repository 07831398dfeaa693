package alfred_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/alfred-envoy/alfred"
)

func TestSecret(t *testing.T) {
	pepper := []byte("pepper")
	s, err := alfred.NewSecret(rand.Reader, pepper)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s, "tp-") || !alfred.CheckSecret(s, pepper) {
		t.Fatalf("a new secret does not pass its own check: %d characters", len(s))
	}
	for i := range len(s) {
		b := []byte(s)
		b[i] ^= 1
		if alfred.CheckSecret(string(b), pepper) {
			t.Errorf("a secret with character %d changed passes", i)
		}
	}
	for name, bad := range map[string]string{"empty": "", "mark alone": "tp-", "shorter": s[:len(s)-1], "longer": s + "a", "of OpenAI": "sk-" + s[3:]} {
		if alfred.CheckSecret(bad, pepper) {
			t.Errorf("%s: passes", name)
		}
	}
	if alfred.CheckSecret(s, []byte("other")) {
		t.Error("a secret passes with another pepper")
	}
}

func TestHashSecretDependsOnPepper(t *testing.T) {
	s, err := alfred.NewSecret(rand.Reader, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	h := alfred.HashSecret(s, []byte("a"))
	if !strings.HasPrefix(h, "1:") || len(h) != 2+64 {
		t.Errorf("hash %q: expected 1: and 64 hexadecimal digits", h)
	}
	if h == alfred.HashSecret(s, []byte("b")) {
		t.Error("two peppers give one hash")
	}
	if strings.Contains(h, s[3:]) {
		t.Error("the hash contains the secret")
	}
	prefix, last4 := alfred.SecretPrefix(s)
	if prefix != s[:7] || last4 != s[len(s)-4:] {
		t.Errorf("prefix %q, last4 %q", prefix, last4)
	}
}
