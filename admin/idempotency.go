package admin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/alfred-envoy/alfred"
)

// once makes a POST with an Idempotency-Key safe to repeat: the first one
// runs, later ones get its reply. Only a reply of success is kept, so that a
// refused request may be tried again once its cause is gone. A key that was
// shown is taken out of what is kept.
func (s *server) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		key := r.Header.Get("Idempotency-Key")
		if key == "" || r.Method != http.MethodPost || c.dryRun || c.bootstrap || len(key) > 200 {
			next.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.refuse(w, c, unreadable(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		org, actor := c.actor.Org, string(c.actor.User)
		earlier, err := s.Records.BeginIdempotent(r.Context(), org, actor, key, requestHash(r, body), s.Now())
		switch {
		case err != nil:
			s.refuse(w, c, err)
			return
		case earlier != nil:
			s.replay(w, c, *earlier, requestHash(r, body))
			return
		}
		c.claim = claim{key: key}
		rec := &recordingWriter{ResponseWriter: w}
		finished := false
		// The reply is kept even when the client has left meanwhile: it is the
		// client that comes back.
		ctx := context.WithoutCancel(r.Context())
		defer func() {
			if finished || c.claim.lost {
				return
			}
			// A refusal may be tried again. After a failure that may have come
			// after the write, a second try would write twice.
			refused := rec.status >= 400 && rec.status < 500
			if err := s.Records.AbandonIdempotent(ctx, org, actor, key, refused && c.claim.written); err != nil {
				s.Log.Error("release an idempotency key", "request_id", c.request, "err", err)
			}
		}()
		next.ServeHTTP(rec, r)
		if rec.status < 200 || rec.status > 299 {
			return
		}
		reply := alfred.IdempotentReply{
			BodyHash: requestHash(r, body), Status: rec.status, Body: withoutSecret(rec.body.Bytes(), c.secret),
			Header: map[string]string{"Content-Type": rec.Header().Get("Content-Type"), "ETag": rec.Header().Get("ETag")},
		}
		if err := s.Records.FinishIdempotent(ctx, org, actor, key, reply, s.Now()); err != nil {
			s.Log.Error("keep a reply for its idempotency key", "request_id", c.request, "err", err)
		}
		finished = true
	})
}

// answerless is the status of a request that has written, and whose process
// ended before it had answered.
const answerless = 1

// claim is the Idempotency-Key under which a request runs.
type claim struct {
	key     string // "" without one
	written bool   // something was committed under it
	lost    bool   // it lapsed, and somebody else may have it
}

// commitClaim marks the request's key in the transaction of its first write,
// so that of two requests with one key at most one writes, whichever process
// ends when.
func (s *server) commitClaim(ctx context.Context, c *call) error {
	if c.claim.key == "" || c.claim.written {
		return nil
	}
	err := s.Records.CommitIdempotent(ctx, c.actor.Org, string(c.actor.User), c.claim.key, s.Now())
	if alfred.ErrorCode(err) == alfred.CodeNotFound {
		c.claim.lost = true
		return alfred.Errorf(alfred.CodeInFlight, "This took so long that another request with the same Idempotency-Key has taken over.")
	}
	return err
}

func (s *server) replay(w http.ResponseWriter, c *call, r alfred.IdempotentReply, hash string) {
	switch {
	case r.BodyHash != hash:
		s.refuse(w, c, &alfred.Error{Code: alfred.CodeIdempotency, Field: "Idempotency-Key", Message: "This Idempotency-Key was used for a different request."})
	case r.Status == answerless:
		s.refuse(w, c, alfred.Errorf(alfred.CodeConflict, "The first request with this Idempotency-Key was carried out, and its answer was lost. Read what it changed instead of repeating it."))
	case r.Status == 0:
		s.refuse(w, c, alfred.Errorf(alfred.CodeInFlight, "The first request with this Idempotency-Key has not ended yet."))
	default:
		for name, value := range r.Header {
			if value != "" {
				w.Header().Set(name, value)
			}
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(r.Status)
		_, _ = w.Write(r.Body) // the client may be gone
	}
}

// requestHash tells one request from another: what is asked, of what.
func requestHash(r *http.Request, body []byte) string {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, r.URL.RawQuery} {
		_, _ = io.WriteString(h, part+"\n")
	}
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// withoutSecret replaces a key that was shown once by null.
func withoutSecret(body []byte, secret string) []byte {
	if secret == "" {
		return body
	}
	return bytes.ReplaceAll(body, []byte(`"`+secret+`"`), []byte("null"))
}

// recordingWriter keeps a copy of the reply.
type recordingWriter struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (w *recordingWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordingWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.body.Write(b)
	return w.ResponseWriter.Write(b)
}
