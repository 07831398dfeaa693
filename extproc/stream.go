package extproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/alfred-envoy/alfred"
	"github.com/alfred-envoy/alfred/extproc/llm"
)

// state is where one request stands; doc.go draws them.
type state int

const (
	opened    state = iota // nothing seen
	waiting                // headers accepted, waiting for the body
	sent                   // forwarded, waiting for the answer's headers
	answering              // the answer streams
	over                   // nothing is left to do
)

// stream is one HTTP request. It belongs to one goroutine.
type stream struct {
	server *Server
	send   func(*extprocv3.ProcessingResponse) error
	left   func() bool // the peer has ended the stream

	state state
	identity
	headers   headers
	keyHash   string
	admission Admission
	decision  alfred.Decision
	hold      *Hold
	lost      bool // a reply could not be sent: nobody listens, but what arrived is still read
	letGo     time.Time
	firstByte time.Time

	answer   answerHeaders
	reader   llm.Reader // nil when the answer cannot be read
	bytes    int64      // of an answer that cannot be read
	injected bool       // usage was asked for on the client's behalf
	removing bool       // and has to be removed from the answer
}

// step handles one message. An error ends the stream, and Envoy then refuses
// the request or breaks off the answer.
func (s *stream) step(ctx context.Context, m *extprocv3.ProcessingRequest) error {
	protocol := m.GetProtocolConfig()
	switch m := m.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		if s.state == opened {
			if err := checkMode(protocol); err != nil {
				return err
			}
			return s.onRequestHeaders(ctx, m.RequestHeaders)
		}
	case *extprocv3.ProcessingRequest_RequestBody:
		if s.state == waiting {
			return s.onRequestBody(ctx, m.RequestBody)
		}
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		if s.state < sent {
			// Envoy itself answered, such as 413 or 408: nothing went upstream.
			s.reply(passResponseHeaders())
			s.state = over
			return nil
		}
		if s.state == sent {
			return s.onResponseHeaders(ctx, m.ResponseHeaders)
		}
	case *extprocv3.ProcessingRequest_ResponseBody:
		if s.state == answering {
			return s.onResponseBody(ctx, m.ResponseBody)
		}
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		if s.state == answering {
			s.reply(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extprocv3.TrailersResponse{}}})
			s.finish(ctx, alfred.OutcomeCompleted)
			return nil
		}
	}
	return status.Errorf(codes.FailedPrecondition, "a message of type %T makes no sense here: check the filter's processing mode", m.GetRequest())
}

// checkMode refuses a filter that would not show the whole body before the
// request leaves: its requests would pass undecided. Envoy tells the mode with
// the first message; one that does not is taken at its word.
func checkMode(p *extprocv3.ProtocolConfiguration) error {
	if p == nil {
		return nil
	}
	if p.GetRequestBodyMode() != filterv3.ProcessingMode_BUFFERED || p.GetSendBodyWithoutWaitingForHeaderResponse() {
		return status.Errorf(codes.FailedPrecondition, "the filter's request_body_mode is %s: it has to be BUFFERED", p.GetRequestBodyMode())
	}
	return nil
}

// onRequestHeaders answers what can be answered without the body.
func (s *stream) onRequestHeaders(ctx context.Context, m *extprocv3.HttpHeaders) error {
	now := s.server.now()
	var err error
	if s.identity, err = newIdentity(now, s.server.entropy); err != nil {
		return status.Error(codes.Internal, "no entropy")
	}
	s.headers = readHeaders(m.GetHeaders())
	h := &s.headers

	secret, refused := h.credential()
	if refused != nil {
		return s.refuse(refused.Decide(s.decide(nil)))
	}
	if s.keyHash = s.server.keys.hash(secret); s.keyHash == "" {
		return s.refuse(unknownKey().Decide(s.decide(nil)))
	}
	if d, ok := s.snapshot(ctx); !ok {
		return s.refuse(d)
	}
	principal, catalog := s.admission.Principal, s.admission.Catalog
	d := s.decide(principal)

	switch {
	case h.path == pathModels && h.method == http.MethodGet:
		s.server.metrics.decisions.WithLabelValues("allow", "").Inc()
		s.reply(immediate(http.StatusOK, s.listHeaders(), modelList(catalog, s.server.backends), "alfred_models"))
		s.state = over
		return nil
	case h.path == pathModels:
		return s.refuse(wrongMethod(h.method, http.MethodGet).Decide(d))
	case h.path != pathChat:
		return s.refuse((&alfred.Refusal{
			Code:   alfred.CodeNotMetered,
			Detail: "This path cannot be metered, so it is not forwarded. Use POST " + pathChat + " or GET " + pathModels + ".",
		}).Decide(d))
	case h.method != http.MethodPost:
		return s.refuse(wrongMethod(h.method, http.MethodPost).Decide(d))
	}

	priority, err := alfred.ParsePriority(h.priority)
	if err != nil {
		return s.refuse((&alfred.Refusal{Code: alfred.CodeInvalidRequest, Field: "X-Priority", Detail: "X-Priority must be low, normal, high or critical."}).Decide(d))
	}
	s.admission.Priority, s.admission.Project, s.admission.Team = priority, h.project, h.team
	if h.project != "" || h.team != "" {
		// The plan is made again with the body; this spares an upload that is refused anyway.
		_, refusal, err := alfred.NewPlan(catalog, principal, alfred.Ask{Priority: priority, Project: h.project, Team: h.team}, now)
		if err == nil && refusal != nil {
			return s.refuse(refusal.Decide(d))
		}
	}
	if m.GetEndOfStream() {
		return s.refuse((&alfred.Refusal{Code: alfred.CodeInvalidRequest, Detail: "The request has no body."}).Decide(d))
	}
	if d, ok := s.server.gate.exhausted(s.admission); ok {
		return s.refuse(d)
	}
	s.reply(passRequestHeaders())
	s.state = waiting
	return nil
}

func (s *stream) listHeaders() []*corev3.HeaderValueOption {
	return []*corev3.HeaderValueOption{header("content-type", "application/json"), header("x-alfred-request-id", string(s.request))}
}

// snapshot reads who asks and what their organisation has set. Without them
// it returns the refusal.
func (s *stream) snapshot(ctx context.Context) (alfred.Decision, bool) {
	d := s.decide(nil)
	began := s.server.now()
	defer func() { s.admission.waited = s.server.now().Sub(began) >= s.server.gate.settings.Timeout }()
	principal, err := s.server.directory.principal(ctx, s.keyHash)
	switch {
	case err != nil:
		s.server.log.WarnContext(ctx, "read a key's record", "request", s.request, "error", err)
		return s.degraded(d, "Keys cannot be checked at the moment. Nothing was charged. Try again in a moment."), false
	case principal == nil:
		return unknownKey().Decide(d), false
	}
	if r := principal.Refusal(s.server.now()); r != nil {
		if r.Code != alfred.CodeInvalidKey {
			d = s.decide(principal)
		}
		return r.Decide(d), false
	}
	catalog, err := s.server.directory.catalog(ctx, principal.Org)
	if err != nil {
		s.server.log.WarnContext(ctx, "read a catalog", "request", s.request, "org", principal.Org, "error", err)
		return s.degraded(s.decide(principal), "The organisation's settings cannot be read at the moment. Nothing was charged. Try again in a moment."), false
	}
	s.server.directory.state.met(s.server.now(), principal, catalog)
	s.admission.identity = s.identity
	s.admission.Principal, s.admission.Catalog = principal, catalog
	s.admission.Private = s.headers.private || catalog.Settings.ForcePrivacy
	return alfred.Decision{}, true
}

// degraded refuses because the directory cannot be read. No fail mode admits
// somebody who is not known.
func (s *stream) degraded(d alfred.Decision, detail string) alfred.Decision {
	s.server.metrics.degraded.WithLabelValues(string(alfred.FailDeny)).Inc()
	d.Degraded = string(alfred.FailDeny)
	return unavailable(d, detail)
}

// onRequestBody decides. Only its reply lets a request go upstream.
func (s *stream) onRequestBody(ctx context.Context, m *extprocv3.HttpBody) error {
	began := s.server.now()
	if began.Sub(s.at) > snapshotFor {
		// The upload took its time; the directory may have changed.
		if d, ok := s.snapshot(ctx); !ok {
			return s.refuse(d)
		}
	}
	a := &s.admission
	body := m.GetBody()
	request, err := llm.ParseChatRequest(body)
	if err != nil {
		return s.refuse(badBody(err).Decide(s.decide(a.Principal)))
	}
	model := a.Catalog.Model(request.Model)
	backend, ok := s.server.backends.choose(request.Model, model.Provider)
	if !ok {
		return s.refuse(unavailable(s.decide(a.Principal), "No provider is configured for this model."))
	}
	a.Model, a.Backend, a.Stream = request.Model, backend.Name, request.Stream
	a.Input = request.InputBound + request.Parts*min(model.PartBound, 1<<31) + request.AudioBytes
	a.Limit, a.Choices = request.OutputLimit, request.Choices

	hold, decision := s.server.gate.Admit(ctx, *a)
	s.server.metrics.admission.Observe(s.server.now().Sub(began).Seconds())
	if !decision.Allowed {
		return s.refuse(decision)
	}
	s.server.metrics.decided(decision)
	s.hold, s.decision = hold, decision

	s.injected = request.Stream && !request.IncludeUsage
	edit := llm.Edit{OutputLimit: hold.limit, OutputLimitField: model.OutputLimitField, IncludeUsage: s.injected}
	var edited []byte
	if edit.OutputLimit > 0 || edit.IncludeUsage {
		edited = request.Apply(body, edit)
	}
	if s.left() {
		// Nobody is there any more, and nothing was forwarded.
		s.release(ctx, alfred.OutcomeClientGone)
		return errLeft
	}
	s.letGo = s.server.now()
	s.reply(forward(backend, s.headers.remove, edited))
	if s.lost {
		s.release(ctx, alfred.OutcomeClientGone)
		return errLeft
	}
	s.state = sent
	return nil
}

// onResponseHeaders tells the client what it needs to know, and decides how
// the body will be read. An answer that is not a success costs nothing.
func (s *stream) onResponseHeaders(ctx context.Context, m *extprocv3.HttpHeaders) error {
	s.answer = readAnswerHeaders(m.GetHeaders())
	if s.answer.status == http.StatusUnauthorized {
		// It is about Alfred's credential, which is none of the caller's business; the provider's words may quote it.
		s.server.log.ErrorContext(ctx, "the provider refused Alfred's credential", "request", s.request, "provider", s.admission.Backend)
		d := s.decide(s.admission.Principal)
		d.Code, d.Detail = alfred.CodeUpstream, "The provider refused Alfred's credential. An admin has to check the provider's key. Nothing was charged."
		s.release(ctx, alfred.OutcomeUpstreamError)
		return s.refuse(d)
	}
	failed := s.answer.status < 200 || s.answer.status > 299
	if failed || m.GetEndOfStream() {
		s.began()
	}
	s.reply(tell(s.decision, s.hold, zone(s.admission.Catalog), failed))
	if failed {
		s.release(ctx, alfred.OutcomeUpstreamError)
		return nil
	}
	s.state = answering
	switch {
	case !llm.SupportsEncoding(s.answer.encoding):
	case s.answer.events:
		s.removing = s.injected
		s.reader = llm.NewChatStreamReader(s.removing)
	default:
		s.reader = llm.NewChatJSONReader()
	}
	if m.GetEndOfStream() {
		s.finish(ctx, alfred.OutcomeCompleted)
	}
	return nil
}

// onResponseBody lets a chunk pass before it is read, so that reading delays
// nobody, unless something may have to be removed from it. The end of the
// answer waits until the request is booked: who has the whole answer finds it
// in the quota, and whatever was acknowledged in full is charged.
func (s *stream) onResponseBody(ctx context.Context, m *extprocv3.HttpBody) error {
	chunk, end := m.GetBody(), m.GetEndOfStream()
	if len(chunk) > 0 || end {
		s.began()
	}
	readFirst := s.removing || end || bytes.Contains(chunk, doneMark)
	answer := passChunk()
	if !readFirst {
		s.reply(answer)
	}
	if s.reader == nil {
		s.bytes += int64(len(chunk))
	} else if out := s.reader.Write(chunk); s.removing {
		if end {
			out = append(out[:len(out):len(out)], s.reader.Close()...)
		}
		if !same(out, chunk) {
			answer = replaceChunk(out)
		}
	}
	switch {
	case end:
		s.finish(ctx, alfred.OutcomeCompleted)
	case readFirst && s.complete():
		// SDKs stop here, and may ask for the quota before the stream has ended.
		s.book(ctx, alfred.OutcomeCompleted)
	}
	if readFirst {
		s.reply(answer)
	}
	return nil
}

// doneMark is in the event that ends a stream of completions, and rarely
// anywhere else.
var doneMark = []byte("[DONE]")

// complete says whether the answer has ended as it should and told its usage.
func (s *stream) complete() bool {
	if s.reader == nil {
		return false
	}
	facts := s.reader.Facts()
	return facts.Done && facts.HasUsage && facts.Error == ""
}

// same says whether two slices are the same memory, and so the same bytes.
func same(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// refuse answers in the provider's place, and keeps a record of it.
func (s *stream) refuse(d alfred.Decision) error {
	location := time.UTC
	if s.admission.Catalog != nil {
		location = zone(s.admission.Catalog)
	}
	s.server.metrics.decided(d)
	s.server.gate.refused(d, s.admission.Private)
	s.reply(refusal(s.server.publicURL, d, location))
	s.state = over
	return nil
}

// reply sends, or notes that nobody listens. What the peer has sent before it
// left still has to be read.
func (s *stream) reply(r *extprocv3.ProcessingResponse) {
	if !s.lost && s.send(r) != nil {
		s.lost = true
	}
}

// release gives the hold back.
func (s *stream) release(ctx context.Context, o alfred.Outcome) {
	s.state = over
	s.server.gate.Release(ctx, s.hold, s.end(o))
}

// began notes the first byte of an answer: of its body, since a provider may
// send its headers long before its first word; and the headers of one whose
// body is not read.
func (s *stream) began() {
	if s.firstByte.IsZero() {
		s.firstByte = s.server.now()
	}
}

// end is how the request has ended, before it is known what it used.
func (s *stream) end(o alfred.Outcome) End {
	return End{Outcome: o, Status: s.answer.status, At: s.server.now(), LetGo: s.letGo, FirstByte: s.firstByte}
}

// finish books what the answer cost, and that nothing is left to do.
func (s *stream) finish(ctx context.Context, o alfred.Outcome) {
	s.state = over
	if s.reader != nil {
		s.reader.Close()
	}
	s.book(ctx, o)
}

// book books what the answer cost, as far as it is known. Only the first time
// counts.
func (s *stream) book(ctx context.Context, o alfred.Outcome) {
	var facts llm.ResponseFacts
	if s.reader != nil {
		facts = s.reader.Facts()
	}
	if facts.Done && o == alfred.OutcomeBroken {
		o = alfred.OutcomeCompleted // all of it had arrived
	}
	if facts.Error != "" {
		o = alfred.OutcomeBroken
		if !facts.HasUsage && facts.OutputEstimate == 0 {
			// The provider reported an error instead of an answer.
			s.release(ctx, o)
			return
		}
	}
	end := s.end(o)
	switch {
	case facts.HasUsage:
		end.Usage = alfred.Usage(facts.Usage)
	case s.reader == nil && s.answer.status != 0:
		end.Usage, end.Estimated = s.hold.estimate(s.bytes), true
	default:
		end.Usage, end.Estimated = s.hold.estimate(facts.OutputEstimate), true
	}
	if end.Estimated && o == alfred.OutcomeCompleted {
		s.server.metrics.usageMissing.Inc()
	}
	s.server.gate.Settle(ctx, s.hold, end)
}

// errLeft ends a handler whose peer is gone. It is an error, so that nothing
// could pass even if the peer were there.
var errLeft = status.Error(codes.Canceled, "the request ended before it was forwarded")

// close ends the request when its stream has ended, whatever the state.
func (s *stream) close(ctx context.Context, o alfred.Outcome) error {
	switch s.state {
	case over:
		return nil
	case answering:
		if o == alfred.OutcomeClientGone {
			o = alfred.OutcomeBroken // who broke off, client or provider, does not show here
		}
		s.finish(ctx, o)
		return nil
	case sent:
		s.finish(ctx, o)
		return nil
	case opened, waiting:
		if s.hold != nil {
			s.release(ctx, o)
		}
	}
	return errLeft
}

const (
	pathChat   = "/v1/chat/completions"
	pathModels = "/v1/models"

	snapshotFor = 500 * time.Millisecond
)

func unknownKey() *alfred.Refusal {
	return &alfred.Refusal{Code: alfred.CodeInvalidKey, Field: "Authorization", Detail: "This API key is not known here. Check that it starts with tp- and was copied whole."}
}

func wrongMethod(method, allowed string) *alfred.Refusal {
	return &alfred.Refusal{Code: alfred.CodeMethod, Field: allowed, Detail: fmt.Sprintf("This path takes %s, not %.20s.", allowed, method)}
}

func badBody(err error) *alfred.Refusal {
	r := &alfred.Refusal{Code: alfred.CodeInvalidRequest, Detail: err.Error()}
	if b, ok := errors.AsType[*llm.BodyError](err); ok {
		r.Field = b.Param
	}
	return r
}
