package web

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Mount is where the app lives.
const Mount = "/static/"

// noncePlace is what the nonce of an answer is written over in index.html.
const noncePlace = `<meta name="style-nonce" content="" />`

// Handler serves the build under Mount. Files of assets carry a hash in their name and are kept for ever; the rest is asked for again
// each time. What is not a file is the app, which knows its own pages.
func Handler(files fs.FS) http.Handler { return handler{files} }

type handler struct{ files fs.FS }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), strings.TrimSuffix(Mount, "/"))
	name = strings.TrimPrefix(name, "/")
	switch content, err := h.read(name); {
	case err == nil:
		h.file(w, r, name, content)
	case strings.HasPrefix(name, "assets/") || !errors.Is(err, fs.ErrNotExist):
		// An asset of another version: a page in its place would be read as a script.
		http.Error(w, "there is no such file", http.StatusNotFound)
	default:
		h.app(w, r)
	}
}

// read returns a file of the build as it lies there. The app itself and folders count as not there.
func (h handler) read(name string) ([]byte, error) {
	if name == "" || name == "index.html" || !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	if info, err := fs.Stat(h.files, name); err != nil || info.IsDir() {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(h.files, name)
}

// file answers with what the build wrote beside the file when the client reads that encoding, and with 304 when it has it already.
func (h handler) file(w http.ResponseWriter, r *http.Request, name string, content []byte) {
	header := w.Header()
	header.Set("Content-Type", contentType(name))
	header.Set("Vary", "Accept-Encoding")
	header.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	sum := sha256.Sum256(content)
	tag := base64.RawURLEncoding.EncodeToString(sum[:12])
	for _, e := range []struct{ name, suffix string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(r.Header.Get("Accept-Encoding"), e.name) {
			continue
		}
		packed, err := fs.ReadFile(h.files, name+e.suffix)
		if err != nil {
			continue
		}
		header.Set("Content-Encoding", e.name)
		content, tag = packed, tag+"-"+e.name
		break
	}
	tag = `"` + tag + `"`
	header.Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, content)
}

// app answers with index.html under a policy that allows nothing from elsewhere, no script but the files of the build, and no style
// element without the nonce of this answer.
func (h handler) app(w http.ResponseWriter, r *http.Request) {
	page, err := fs.ReadFile(h.files, "index.html")
	if err != nil {
		http.Error(w, "the web app is not here any more: run `make ui`", http.StatusServiceUnavailable)
		return
	}
	nonce := rand.Text()
	page = bytes.Replace(page, []byte(noncePlace), []byte(`<meta name="style-nonce" content="`+nonce+`" />`), 1)
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-"+nonce+"'; img-src 'self' data:; font-src 'self'; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	send(w, r, page)
}

func send(w http.ResponseWriter, r *http.Request, content []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(content) //nolint:gosec // G705: a file of the build; an error is a client that has left
}

// contentType is by the name alone, whatever the machine's own table says of scripts.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".md":
		return "text/plain; charset=utf-8"
	case ".json":
		return "application/json"
	default:
		if t := mime.TypeByExtension(path.Ext(name)); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

// accepts says whether an Accept-Encoding takes an encoding: named, and not with a weight of 0.
func accepts(header, encoding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		_, q, ok := strings.Cut(strings.ReplaceAll(weight, " ", ""), "q=")
		if !ok {
			return true
		}
		v, err := strconv.ParseFloat(q, 64)
		return err == nil && v > 0
	}
	return false
}

// matches says whether an If-None-Match names the tag, as a weak one or a strong one.
func matches(header, tag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.TrimPrefix(part, "W/") == tag {
			return true
		}
	}
	return false
}
