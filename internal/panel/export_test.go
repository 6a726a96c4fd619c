package panel

import (
	"context"
	"io"
	"time"

	"pmssl/internal/item"
)

// Internals that tests read or shorten.

func (h *Host) SetCallbackDeadline(d time.Duration) { h.limits.callback = d }
func (h *Host) SetLockTries(it, account int)        { h.limits.itemTries, h.limits.buyTries = it, account }
func (h *Host) SetClaimsPage(items int)             { h.limits.claims = items }

// SetCluster replaces the query for the number of nodes of the cluster.
func (h *Host) SetCluster(query string) { h.cluster = query }

// SessionVariable returns a variable of the session as the server has it.
func (h *Host) SessionVariable(ctx context.Context, name string) (string, error) {
	row, _, err := h.row(ctx, "", "SELECT @@SESSION."+name)
	if err != nil {
		return "", err
	}
	return row[0].String, nil
}

func ParseConf(text string, into map[string]string) { parseConf(text, into) }

func ParseJournal(text io.Reader) (all []item.JournalEntry, damage []error, err error) {
	same := map[string]string{}
	found, err := eachEntry(text, func(entry shortEntry, _ int64) { all = append(all, entry.whole(same)) })
	return all, found.all(), err
}

// ReadEntry reads a line, and reports whether it has the form in which lines are written.
func ReadEntry(line []byte) (entry item.JournalEntry, usual bool, err error) {
	_, usual = usualEntry(line)
	short, err := readEntry(line)
	return short.whole(map[string]string{}), usual, err
}

// ParseEntry reads a line with encoding/json.
var ParseEntry = parseEntry

// ParseReply returns the fields, the rows and the refusal's words of an answer.
func ParseReply(text []byte) (map[string]string, []map[string]string, string, error) {
	answer, err := parseReply(text)
	if answer.refusal == nil {
		return answer.fields, answer.rows, "", err
	}
	return answer.fields, answer.rows, answer.refusal.String(), err
}

const (
	MaxWord    = maxWord
	MaxAnswer  = maxAnswer
	MaxJournal = maxJournal
)

// UsedColumns returns the tables and columns of the module's queries.
func UsedColumns() map[string][]string { return usedColumns() }

// ParseSweepRecord, ParseBalances, ParseForms and OperationError read what is not of this process.
var (
	ParseSweepRecord = parseSweepRecord
	ParseBalances    = parseBalances
	ParseForms       = parseForms
	OperationError   = operationError
)
