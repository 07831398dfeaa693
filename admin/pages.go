package admin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
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
	ID, Method, Path, Summary, Description, Body string
	Parameters                                   []*openapi3.Parameter
	Answers                                      []answerView
}

type answerView struct{ Status, Description, Schema string }

type tagView struct {
	Name, Description string
	Operations        []operationView
}

// html writes a page that loads nothing but our style sheet.
func (s *server) html(c *gin.Context, status int, name string, data any) {
	t, err := template.New(name).Funcs(template.FuncMap{"spans": spans}).ParseFS(pageFiles, "pages/layout.html", "pages/"+name)
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

func (s *server) styleSheet(c *gin.Context) {
	b, err := pageFiles.ReadFile("pages/style.css")
	if err != nil {
		s.refuse(c.Writer, callOf(c), err)
		return
	}
	c.Header("Cache-Control", "public, max-age=3600")
	c.Data(http.StatusOK, "text/css; charset=utf-8", b)
}

func (s *server) welcomePage(c *gin.Context) {
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
			return bytes.Compare([]byte(a.Path), []byte(b.Path))
		})
		out = append(out, v)
	}
	return out
}

func operationOf(path, method string, item *openapi3.PathItem, op *openapi3.Operation) operationView {
	v := operationView{ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
		v.Parameters = append(v.Parameters, p.Value)
	}
	if op.RequestBody != nil {
		v.Body = schemaText(op.RequestBody.Value.Content)
	}
	for status, answer := range op.Responses.Map() {
		if status == "default" {
			continue // every operation's problem is the same
		}
		description := ""
		if answer.Value.Description != nil {
			description = *answer.Value.Description
		}
		v.Answers = append(v.Answers, answerView{status, description, schemaText(answer.Value.Content)})
	}
	slices.SortFunc(v.Answers, func(a, b answerView) int { return bytes.Compare([]byte(a.Status), []byte(b.Status)) })
	return v
}

// schemaText lists the fields of a body, one a line.
func schemaText(content openapi3.Content) string {
	for _, media := range content {
		if media.Schema == nil || media.Schema.Value == nil {
			continue
		}
		var b bytes.Buffer
		writeFields(&b, media.Schema.Value, "", 0)
		return b.String()
	}
	return ""
}

func writeFields(b *bytes.Buffer, schema *openapi3.Schema, indent string, depth int) {
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		p := schema.Properties[name].Value
		b.WriteString(indent + name)
		if slices.Contains(schema.Required, name) {
			b.WriteString(" *")
		}
		b.WriteString("  " + typeText(p))
		if p.Description != "" {
			b.WriteString("  — " + p.Description)
		}
		b.WriteByte('\n')
		if p.Items != nil && p.Items.Value != nil {
			p = p.Items.Value
		}
		if depth < 2 {
			writeFields(b, p, indent+"  ", depth+1)
		}
	}
}

func typeText(s *openapi3.Schema) string {
	text := ""
	switch {
	case s.Type != nil:
		for i, t := range s.Type.Slice() {
			if i > 0 {
				text += " or "
			}
			text += t
		}
	case len(s.AllOf) > 0 && s.AllOf[0].Value != nil:
		return typeText(s.AllOf[0].Value)
	default:
		return "any"
	}
	if s.Format != "" {
		text += " (" + s.Format + ")"
	}
	for i, e := range s.Enum {
		if e == nil {
			continue
		}
		if i == 0 {
			text += ":"
		}
		text += " " + toText(e)
	}
	return text
}

func toText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return ""
}
