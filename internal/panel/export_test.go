package panel

import (
	"io"
	"time"

	"pmssl/internal/item"
)

// The inside of the room that tests look at or shorten.

func (h *Host) SetCallbackDeadline(d time.Duration) { h.limits.callback = d }
func (h *Host) SetLockTries(it, account int)        { h.limits.itemTries, h.limits.buyTries = it, account }

// SetCluster replaces the question for the nodes of the cluster.
func (h *Host) SetCluster(query string) { h.cluster = query }

func ParseConf(text string, into map[string]string) { parseConf(text, into) }

func ParseJournal(text io.Reader) ([]item.JournalEntry, []error, error) { return parseJournal(text) }

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
