package admin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// What is sealed can be read with ALFRED_SECRET_KEY alone: a copy of the
// database does not tell it. It is AES-256-GCM under a key of its own
// (HKDF-SHA-256, RFC 5869), bound to the row that it is of; the nonce stands
// before it.
func (s *server) seal(row, text string) ([]byte, error) {
	box, err := s.box()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	if _, err := io.ReadFull(s.Entropy, nonce); err != nil {
		return nil, fmt.Errorf("seal %s: %w", row, err)
	}
	return box.Seal(nonce, nonce, []byte(text), []byte(row)), nil
}

var errSealed = errors.New("it was sealed with another ALFRED_SECRET_KEY")

// unseal reads what was sealed for this row. Under another key it is errSealed.
func (s *server) unseal(row string, sealed []byte) (string, error) {
	box, err := s.box()
	if err != nil {
		return "", err
	}
	if len(sealed) < box.NonceSize() {
		return "", errSealed
	}
	text, err := box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], []byte(row))
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}

func (s *server) box() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.Pepper, nil, "alfred sealed in the record", 32)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return cipher.NewGCM(block)
}
