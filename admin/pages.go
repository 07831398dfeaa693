package admin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/gin-gonic/gin"

	"github.com/alfred-envoy/alfred"
)

//go:embed pages
var pageFiles embed.FS

// operationView is one operation on the API page.
type operationView struct {
	ID, Method, Path, Summary, Description string
	Parameters                             []parameterView
	Body                                   []fieldView
	Answers                                []answerView
}

type parameterView struct {
	Name, In, Type, Description string
	Required                    bool
}

// fieldView is one field of a body, Depth levels deep.
type fieldView struct {
	Name, Type, Description string
	Required                bool
	Depth                   int
}

type answerView struct {
	Status, Description string
	Fields              []fieldView
}

type tagView struct {
	Name, Description string
	Operations        []operationView
}

// html writes a page that loads nothing but our style sheet.
func (s *server) html(c *gin.Context, status int, name string, data any) {
	t, err := template.New(name).Funcs(template.FuncMap{"spans": spans, "paragraphs": paragraphs, "lower": strings.ToLower}).ParseFS(pageFiles, "pages/layout.html", "pages/"+name)
	var b bytes.Buffer
	if err == nil {
		err = t.ExecuteTemplate(&b, "layout.html", data)
	}
	if err != nil {
		s.refuse(c.Writer, callOf(c), err)
		return
	}
	c.Header("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	c.Header("Cache-Control", "no-cache")
	c.Data(status, "text/html; charset=utf-8", b.Bytes())
}

// span is a stretch of text in one style: "", code or strong.
type span struct{ Style, Text string }

// paragraphs cuts a description at its empty lines; other line ends are
// spaces.
func paragraphs(s string) []string {
	var out []string
	for _, p := range strings.Split(s, "\n\n") {
		if p = strings.Join(strings.Fields(p), " "); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// spans reads the little Markdown that the document's descriptions use.
func spans(s string) []span {
	var out []span
	for i, part := range strings.Split(s, "`") {
		if i%2 == 1 {
			out = append(out, span{"code", part})
			continue
		}
		for j, piece := range strings.Split(part, "**") {
			style := ""
			if j%2 == 1 {
				style = "strong"
			}
			out = append(out, span{style, piece})
		}
	}
	return out
}

func (s *server) toStatic(c *gin.Context) { c.Redirect(http.StatusFound, "/static/") }

// explained shows a decision's page of the web app to a browser that opens the `instance` of a refusal. Programs, which send a key or
// want JSON, get the decision itself.
func (s *server) explained(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, found := strings.CutPrefix(r.URL.Path, "/v1/decisions/")
		h := r.Header
		if s.UI == nil || !found || r.Method != http.MethodGet || h.Get("Authorization") != "" || h.Get("X-Api-Key") != "" || !strings.HasPrefix(h.Get("Accept"), "text/html") {
			next.ServeHTTP(w, r)
			return
		}
		http.Redirect(w, r, "/static/explain/"+url.PathEscape(id), http.StatusSeeOther)
	})
}

func (s *server) styleSheet(c *gin.Context) {
	b, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		s.refuse(c.Writer, callOf(c), err)
		return
	}
	c.Header("Cache-Control", "public, max-age=3600")
	c.Data(http.StatusOK, "text/css; charset=utf-8", b)
}

// app is the web app, whatever page of it, or where none is built the page that says so.
func (s *server) app(c *gin.Context) {
	if s.UI != nil {
		c.Status(http.StatusOK) // gin has set 404 for what has no route
		s.UI.ServeHTTP(c.Writer, c.Request)
		return
	}
	if c.Request.URL.Path != "/static/" {
		s.toStatic(c)
		return
	}
	s.html(c, http.StatusOK, "welcome.html", map[string]any{"Title": "Alfred", "URL": s.PublicURL})
}

func (s *server) errorIndex(c *gin.Context) {
	s.html(c, http.StatusOK, "errors.html", map[string]any{"Title": "Errors", "All": alfred.Explanations()})
}

func (s *server) errorPage(c *gin.Context) {
	code := alfred.Code(c.Param("code"))
	all := alfred.Explanations()
	i := slices.IndexFunc(all, func(e alfred.Explanation) bool { return e.Code == code })
	if i < 0 {
		s.html(c, http.StatusNotFound, "errors.html", map[string]any{"Title": "There is no such error", "All": all})
		return
	}
	s.html(c, http.StatusOK, "error.html", map[string]any{"Title": all[i].Title, "E": all[i]})
}

func (s *server) apiPage(c *gin.Context) {
	doc, err := openapi3.NewLoader().LoadFromData(s.spec)
	if err != nil {
		s.refuse(c.Writer, callOf(c), err)
		return
	}
	s.html(c, http.StatusOK, "api.html", map[string]any{"Title": "API", "Doc": doc, "Tags": viewOf(doc)})
}

// viewOf orders the document's operations by tag, in the order of tags and
// paths.
func viewOf(doc *openapi3.T) []tagView {
	var out []tagView
	for _, tag := range doc.Tags {
		v := tagView{Name: tag.Name, Description: tag.Description}
		for _, path := range doc.Paths.InMatchingOrder() {
			item := doc.Paths.Value(path)
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				op := item.GetOperation(method)
				if op == nil || !slices.Contains(op.Tags, tag.Name) {
					continue
				}
				v.Operations = append(v.Operations, operationOf(path, method, item, op))
			}
		}
		slices.SortStableFunc(v.Operations, func(a, b operationView) int {
			return strings.Compare(a.Path, b.Path)
		})
		out = append(out, v)
	}
	return out
}

func operationOf(path, method string, item *openapi3.PathItem, op *openapi3.Operation) operationView {
	v := operationView{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
		v.Parameters = append(v.Parameters, parameterView{
			Name: p.Value.Name, In: p.Value.In, Type: typeText(p.Value.Schema.Value), Description: p.Value.Description, Required: p.Value.Required,
		})
	}
	if op.RequestBody != nil {
		v.Body = bodyFields(op.RequestBody.Value.Content)
	}
	for status, answer := range op.Responses.Map() {
		if status == "default" {
			continue // every operation's problem is the same
		}
		description := ""
		if answer.Value.Description != nil {
			description = *answer.Value.Description
		}
		v.Answers = append(v.Answers, answerView{status, description, bodyFields(answer.Value.Content)})
	}
	slices.SortFunc(v.Answers, func(a, b answerView) int { return strings.Compare(a.Status, b.Status) })
	return v
}

// bodyFields lists the fields of a body, those that have to be there first.
func bodyFields(content openapi3.Content) []fieldView {
	for _, media := range content {
		if media.Schema != nil && media.Schema.Value != nil {
			return fields(nil, media.Schema.Value, 0)
		}
	}
	return nil
}

// deepest is how many levels of a body are shown.
const deepest = 2

func fields(out []fieldView, schema *openapi3.Schema, depth int) []fieldView {
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		i, j := slices.Index(schema.Required, a), slices.Index(schema.Required, b)
		switch {
		case i >= 0 && j >= 0:
			return i - j // as the document orders them
		case i >= 0 || j >= 0:
			return j - i // what is required has an index
		default:
			return strings.Compare(a, b)
		}
	})
	for _, name := range names {
		p := schema.Properties[name].Value
		out = append(out, fieldView{name, typeText(p), p.Description, slices.Contains(schema.Required, name), depth})
		if p.Items != nil && p.Items.Value != nil {
			p = p.Items.Value
		}
		if depth < deepest {
			out = fields(out, p, depth+1)
		}
	}
	return out
}

// typeText says what a value may be, short.
func typeText(s *openapi3.Schema) string {
	switch {
	case s == nil:
		return ""
	case len(s.Enum) > 0:
		return strings.ReplaceAll(values(s.Enum), ", ", " | ")
	case s.Type == nil && len(s.AllOf) > 0:
		return typeText(s.AllOf[0].Value)
	case s.Type == nil:
		return "any"
	case s.Type.Includes("array") && s.Items != nil:
		return "list of " + typeText(s.Items.Value)
	}
	text := strings.Join(s.Type.Slice(), " or ")
	if s.Format == "date-time" {
		text = strings.Replace(text, "string", "time", 1)
	}
	if s.Max != nil {
		text += "," + bounds(s)
	}
	return text
}
