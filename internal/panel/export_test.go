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
	found, err := eachEntry(text, func(entry item.JournalEntry) { all = append(all, entry) })
	return all, found.all(), err
}

// ShortEntry reads a line for the index, and reports whether it has the form in which lines are written.
func ShortEntry(line []byte) (it, id int64, account string, usual bool, err error) {
	_, usual = usualEntry(line)
	entry, err := shortEntry(line)
	return entry.item, entry.id, string(entry.account), usual, err
}

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
