package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/alfred-envoy/alfred"
)

// failed wraps an error with the act, and gives it the code that its cause
// has in the domain.
func failed(err error, act string, args ...any) error {
	if err == nil {
		return nil
	}
	if coded := classify(err); coded != nil {
		err = coded
	}
	return fmt.Errorf(act+": %w", append(args, err)...)
}

// found is failed for the read of one thing: no row is CodeNotFound.
func found[ID ~string](err error, noun string, id ID) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return missing(noun, id)
	}
	return failed(err, "read %s %s", noun, id)
}

func missing[ID ~string](noun string, id ID) error {
	return alfred.Errorf(alfred.CodeNotFound, "%s %s does not exist", noun, id)
}

// changed is failed for a change of one thing: no row is CodeNotFound.
func changed[ID ~string](rows int64, err error, noun string, id ID) error {
	if err == nil && rows == 0 {
		return missing(noun, id)
	}
	return failed(err, "change %s %s", noun, id)
}

// replaced is changed for what has a version: when no row has the version
// that was read, read says whether the thing is gone or has moved on.
func replaced[ID ~string](rows int64, err error, noun string, id ID, read func() error) error {
	if err != nil || rows > 0 {
		return failed(err, "change %s %s", noun, id)
	}
	if err := read(); err != nil {
		return err
	}
	return alfred.Errorf(alfred.CodeStaleVersion, "%s %s was changed by someone else", noun, id)
}

// classify finds the domain's code of what the database said, or nil.
func classify(err error) error {
	var coded *alfred.Error
	if errors.As(err, &coded) {
		return nil
	}
	if disconnected(err) {
		return unavailable(err)
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return nil
	}
	switch {
	case e.ConstraintName == "last_owner":
		return &alfred.Error{Code: alfred.CodeConflict, Message: "the last owner of an organisation has to stay", Err: err}
	case e.Code == "23505":
		return &alfred.Error{Code: alfred.CodeConflict, Message: duplicate(e), Err: err}
	case e.Code == "23503":
		return &alfred.Error{Code: alfred.CodeNotFound, Message: "something that this refers to does not exist", Err: err}
	case e.Code == "23001":
		return &alfred.Error{Code: alfred.CodeConflict, Message: "this can only be added to, never changed or deleted", Err: err}
	case e.Code == "23514", e.Code == "23502", e.Code == "22P02", e.Code == "22003", e.Code == "22021":
		return &alfred.Error{Code: alfred.CodeValidation, Message: outside(e), Err: err}
	case strings.HasPrefix(e.Code, "08"), strings.HasPrefix(e.Code, "57P"), e.Code == "53300":
		return unavailable(err)
	}
	return nil
}

// disconnected says whether the connection is the cause, and not a caller who
// has left.
func disconnected(err error) bool {
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &connect): // refused, or not answered in time
		return true
	case errors.Is(err, context.DeadlineExceeded):
		return false
	default:
		return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || pgconn.SafeToRetry(err)
	}
}

func unavailable(err error) error {
	return &alfred.Error{Code: alfred.CodeUnavailable, Message: "the record cannot be reached", Err: err}
}

// outside says for people which values cannot be stored. The database names
// a table only when a constraint of it is at fault.
func outside(e *pgconn.PgError) string {
	if e.TableName == "" {
		return "a value cannot be stored: it holds a character or a number that the record has no room for"
	}
	return "a value is outside of what " + strings.ReplaceAll(e.TableName, "_", " ") + " may hold"
}

// duplicate says for people what is there already.
func duplicate(e *pgconn.PgError) string {
	switch e.ConstraintName {
	case "users_email":
		return "somebody with this address is there already"
	case "projects_code":
		return "a project with this code is there already"
	case "transfers_move":
		return "this transfer is booked already"
	default:
		return "this is there already (" + strings.ReplaceAll(e.TableName, "_", " ") + ")"
	}
}
