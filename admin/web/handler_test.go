package web

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func build() fstest.MapFS {
	return fstest.MapFS{
		"index.html":         {Data: []byte("<html>" + noncePlace + "</html>")},
		"theme.js":           {Data: []byte("theme")},
		"assets/a-123.js":    {Data: []byte("plain")},
		"assets/a-123.js.br": {Data: []byte("brotli")},
		"assets/a-123.js.gz": {Data: []byte("gzip")},
	}
}

func ask(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	Handler(build()).ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	var b strings.Builder
	buf := make([]byte, 1024)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

func TestAssetsArePrecompressedAndKeptForEver(t *testing.T) {
	for _, c := range []struct{ accept, encoding, content string }{
		{"gzip, deflate, br", "br", "brotli"},
		{"gzip, br;q=0", "gzip", "gzip"},
		{"br; q=0.000, gzip;q=0", "", "plain"},
		{"", "", "plain"},
	} {
		r := ask(t, "GET", "/static/assets/a-123.js", "Accept-Encoding: "+c.accept)
		if got := r.Header.Get("Content-Encoding"); got != c.encoding || body(t, r) != c.content {
			t.Errorf("accepting %q: encoding %q, want %q with %q", c.accept, got, c.encoding, c.content)
		}
		if r.Header.Get("Content-Type") != "text/javascript; charset=utf-8" || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") || r.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("accepting %q: headers %v", c.accept, r.Header)
		}
	}
}

func TestWhatTheBrowserHasIsNotSentAgain(t *testing.T) {
	first := ask(t, "GET", "/static/theme.js")
	if first.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("a file without a hash in its name: Cache-Control %q", first.Header.Get("Cache-Control"))
	}
	again := ask(t, "GET", "/static/theme.js", "If-None-Match: W/"+first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
		t.Errorf("the second time: %d", again.StatusCode)
	}
	packed := ask(t, "GET", "/static/assets/a-123.js", "Accept-Encoding: br")
	if packed.Header.Get("ETag") == ask(t, "GET", "/static/assets/a-123.js").Header.Get("ETag") {
		t.Error("two encodings of a file share an ETag")
	}
}

func TestEveryPageIsTheAppUnderAPolicyOfItsOwn(t *testing.T) {
	nonces := map[string]bool{}
	for _, path := range []string{"/static/", "/static/users/usr_1?open=x", "/static/explain/dec_1", "/static/index.html", "/static/../../etc/passwd"} {
		r := ask(t, "GET", path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d, Cache-Control %q", path, r.StatusCode, r.Header.Get("Cache-Control"))
		}
		policy := r.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'; script-src 'self'; ") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		nonce := regexp.MustCompile(`'nonce-(\w+)'`).FindStringSubmatch(policy)
		if nonce == nil || !strings.Contains(body(t, r), `content="`+nonce[1]+`"`) || nonces[nonce[1]] {
			t.Errorf("%s: the nonce %v is not in the page, or is not new", path, nonce)
			continue
		}
		nonces[nonce[1]] = true
	}
}

func TestAnAssetOfAnotherVersionIsNotAPage(t *testing.T) {
	for _, path := range []string{"/static/assets/gone-9.js", "/static/assets", "/static/assets/"} {
		r := ask(t, "GET", path)
		if isPage := strings.HasPrefix(r.Header.Get("Content-Type"), "text/html"); isPage != !strings.HasPrefix(path, "/static/assets/g") {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
	if r := ask(t, "POST", "/static/"); r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
	if r := ask(t, "HEAD", "/static/theme.js"); r.Header.Get("Content-Length") != "5" || body(t, r) != "" {
		t.Errorf("HEAD: %v", r.Header)
	}
}

func TestOpenTakesTheNamedFolderOrSaysWhatIsWrong(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "make ui") {
		t.Errorf("an empty folder: %v", err)
	}
	t.Chdir(t.TempDir())
	if files, err := Open(""); err != nil || (files != nil) != (embedded() != nil) {
		t.Errorf("nothing anywhere: %v, %v", files, err)
	}
}
