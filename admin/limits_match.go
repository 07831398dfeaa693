package admin

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/gin-gonic/gin"

	"github.com/alfred-envoy/alfred"
)

// limitsETag is the tag of a list of limits: of what it says, so that a list
// that was changed and changed back is the same.
func limitsETag(limits []alfred.Limit) string {
	sum := sha256.Sum256(plain(append([]alfred.Limit{}, limits...)))
	return fmt.Sprintf(`"%x"`, sum[:12])
}

func setLimitsETag(ctx context.Context, limits []alfred.Limit) {
	if c, ok := ctx.(*gin.Context); ok {
		c.Header("ETag", limitsETag(limits))
	}
}

// limitsUnchanged refuses to write over limits that were changed since their
// list was read: the whole list, or that of the scope, or scope and subject,
// that all rows are of. Writers who name a tag come one by one.
func (s *server) limitsUnchanged(ctx context.Context, org alfred.OrgID, ifMatch *string, rows []alfred.Limit) error {
	// Without a tag it is still a writer that the others have to see.
	if err := s.Records.Lock(ctx, "limits:"+string(org)); err != nil {
		return err
	}
	if ifMatch == nil || *ifMatch == "*" {
		return nil
	}
	all, err := s.Records.Limits(ctx, org)
	if err != nil {
		return err
	}
	oneScope, oneSubject := true, true
	for _, r := range rows {
		oneScope = oneScope && r.Scope == rows[0].Scope
		oneSubject = oneSubject && oneScope && r.Subject == rows[0].Subject
	}
	var ofScope, ofSubject []alfred.Limit
	for _, l := range all {
		if len(rows) > 0 && l.Scope == rows[0].Scope {
			ofScope = append(ofScope, l)
			if l.Subject == rows[0].Subject {
				ofSubject = append(ofSubject, l)
			}
		}
	}
	switch {
	case *ifMatch == limitsETag(all), oneScope && *ifMatch == limitsETag(ofScope), oneSubject && *ifMatch == limitsETag(ofSubject):
		return nil
	}
	return alfred.Errorf(alfred.CodeStaleVersion, "The limits have changed since you read them: the list is now %s.", limitsETag(all))
}
