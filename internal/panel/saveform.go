package panel

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"pmssl/internal/filelock"
)

const (
	// oneAtATimeFor is how long a panel that takes one parameter in a call gets no other calls: an update may change it.
	oneAtATimeFor = 30 * 24 * time.Hour
	// maxForms is the longest file of call forms that is read, in bytes.
	maxForms = 4 << 10
	// formSaveParam is the name of form B of service.saveparam with several parameters.
	formSaveParam = "service.saveparam"
)

// callForms is what is known of the forms of calls that this panel does not take, as in the file var/<bin>.callforms.
type callForms struct {
	// OneAtATime has, by form, when the panel was last seen to need a call for each of several values.
	OneAtATime map[string]time.Time `json:"one_at_a_time"`
}

// CallForms is what is known of the forms of calls that the panel takes (rules PANEL-14). The zero value was not read. It is safe for
// concurrent use.
type CallForms struct {
	mu    sync.Mutex
	known *callForms
}

// formsName returns the path of the file.
func (h *Host) formsName() string { return h.path(filepath.Join("var", h.o.Binary+".callforms")) }

// savesOneAtATime reports whether this panel is known to take one parameter in a call (rules PANEL-14). The file only saves calls:
// one that is missing, damaged or cannot be read says nothing.
func (h *Host) savesOneAtATime() bool {
	h.o.Forms.mu.Lock()
	defer h.o.Forms.mu.Unlock()
	if h.o.Forms.known == nil {
		forms, err := h.readForms()
		if err != nil {
			h.log.ExtInfof("%s says nothing: %v", h.formsName(), withoutPath(err))
		}
		h.o.Forms.known = &forms
	}
	since, seen := h.o.Forms.known.OneAtATime[formSaveParam]
	past := h.o.Now().Sub(since)
	return seen && past >= 0 && past < oneAtATimeFor
}

func (h *Host) readForms() (callForms, error) {
	text, err := filelock.ReadRegular(h.formsName(), maxForms)
	if errors.Is(err, fs.ErrNotExist) {
		return callForms{}, nil
	}
	if err != nil {
		return callForms{}, err
	}
	return parseForms(text)
}

// parseForms reads the content of the file.
func parseForms(text []byte) (callForms, error) {
	var forms callForms
	if err := json.Unmarshal(text, &forms); err != nil {
		return callForms{}, err
	}
	return forms, nil
}

// rememberOneAtATime notes in this run, and in the file, that the panel takes one parameter in a call. A file that cannot be written is
// no error: the next run finds out again.
func (h *Host) rememberOneAtATime() {
	h.o.Forms.mu.Lock()
	defer h.o.Forms.mu.Unlock()
	h.o.Forms.known = &callForms{OneAtATime: map[string]time.Time{formSaveParam: h.o.Now().UTC().Truncate(time.Second)}}
	if err := h.writeForms(*h.o.Forms.known); err != nil {
		h.log.ExtInfof("%s cannot be written: %v", h.formsName(), withoutPath(err))
	}
}

func (h *Host) writeForms(forms callForms) error {
	text, err := json.Marshal(forms)
	if err != nil {
		return err
	}
	return filelock.ReplaceFile(h.formsName(), ownersMode, filelock.Content(append(text, '\n')))
}
