package admin

import (
	"encoding/csv"
	"net/http"
	"strings"
)

// csvFile is a reply that is written while it is read, so that a long history
// does not have to fit in memory. Cells that a spreadsheet would run as a
// formula are made inert.
type csvFile struct {
	name   string
	header []string
	rows   func(yield func(cells ...string) error) error
}

// write sends the file. What fails before the first row is an error; after
// it, the connection is cut, since half a file must not look like a whole one.
func (f csvFile) write(w http.ResponseWriter) error {
	out, begun := csv.NewWriter(w), false
	begin := func() error {
		begun = true
		w.Header().Set("Content-Type", "text/csv")
		w.Header().Set("Content-Disposition", `attachment; filename="`+f.name+`"`)
		return out.Write(f.header)
	}
	err := f.rows(func(cells ...string) error {
		if !begun {
			if err := begin(); err != nil {
				return err
			}
		}
		for i, c := range cells {
			cells[i] = inert(c)
		}
		return out.Write(cells)
	})
	if err == nil && !begun {
		err = begin()
	}
	if err != nil && !begun {
		return err
	}
	out.Flush()
	if err != nil || out.Error() != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// inert keeps a spreadsheet from running a text as a formula. A number below
// 0 stays one.
func inert(s string) string {
	if s == "" || !strings.ContainsAny(s[:1], "=+-@\t\r\n|") {
		return s
	}
	if s[0] == '-' && strings.Trim(s[1:], "0123456789.") == "" {
		return s
	}
	return "'" + s
}

// VisitExportUsageQueryResponse writes the file.
func (f csvFile) VisitExportUsageQueryResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportRequestsResponse writes the file.
func (f csvFile) VisitExportRequestsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportMyRequestsResponse writes the file.
func (f csvFile) VisitExportMyRequestsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportDecisionsResponse writes the file.
func (f csvFile) VisitExportDecisionsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportTeamsResponse writes the file.
func (f csvFile) VisitExportTeamsResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportAuditResponse writes the file.
func (f csvFile) VisitExportAuditResponse(w http.ResponseWriter) error { return f.write(w) }

// VisitExportTransfersResponse writes the file.
func (f csvFile) VisitExportTransfersResponse(w http.ResponseWriter) error { return f.write(w) }
