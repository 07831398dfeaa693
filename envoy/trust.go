package envoy

import (
	"errors"
	"os"
)

// SystemCAFile finds the system's bundle of certificate authorities, where the common distributions keep it. Envoy, unlike
// Go, trusts nobody unless it is given a file: without one it would not verify providers at all.
func SystemCAFile() (string, error) {
	if f := os.Getenv("SSL_CERT_FILE"); f != "" {
		return f, nil
	}
	for _, f := range []string{
		"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Arch, Alpine
		"/etc/pki/tls/certs/ca-bundle.crt",                  // Fedora, RHEL
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // CentOS, RHEL
		"/etc/ssl/ca-bundle.pem",                            // openSUSE
		"/etc/ssl/cert.pem",                                 // Alpine, macOS, BSD
	} {
		if s, err := os.Stat(f); err == nil && s.Mode().IsRegular() {
			return f, nil
		}
	}
	return "", errors.New("no bundle of certificate authorities on this system: install ca-certificates, or name a file in SSL_CERT_FILE")
}
