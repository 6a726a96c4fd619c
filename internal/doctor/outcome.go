package doctor

import (
	"fmt"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/plaintext"
)

// Outcome is the result of a check, or of one of its findings. A greater one is worse.
type Outcome int

// The outcomes.
const (
	Passed    Outcome = iota
	Unchecked         // the check could not be made; the text says why
	Warned            // it works, and may not tomorrow
	Failed            // it does not work
)

// String returns the outcome as documents have it.
func (o Outcome) String() string {
	switch o {
	case Passed:
		return "ok"
	case Unchecked:
		return "not_checked"
	case Warned:
		return "warning"
	}
	return "failed"
}

// Finding is one thing that a check found.
type Finding struct {
	Outcome Outcome
	Text    string
	// Mend is what the administrator can do: a command or a setting. Each Failed and Warned finding has one.
	Mend string

	stack []byte // of a panic of this program
}

// maxFinding is the length of a text or a mend in bytes.
const maxFinding = 700

func passed(format string, args ...any) Finding {
	return Finding{Outcome: Passed, Text: fmt.Sprintf(format, args...)}
}

func unchecked(format string, args ...any) Finding {
	return Finding{Outcome: Unchecked, Text: fmt.Sprintf(format, args...)}
}

// failed returns a finding of what does not work, and the mend.
func failed(mend, format string, args ...any) Finding {
	return Finding{Outcome: Failed, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// warned returns a finding of what works and may not tomorrow, and the mend.
func warned(mend, format string, args ...any) Finding {
	return Finding{Outcome: Warned, Text: fmt.Sprintf(format, args...), Mend: mend}
}

// notAsked returns the finding about a server for which the check had no time left: nothing is known of it.
func notAsked(title string) Finding {
	return unchecked("%s: not asked, those before it took the time of this check", title)
}

// because returns a Failed finding of an error.
func because(mend string, err error) Finding { return unusable(err, mend, "%s", message(err)) }

// unusable returns the finding about something that cannot be used because of an error: a Failed one, unless only the rights of doctor are
// missing. That says nothing of what the panel can use.
func unusable(err error, mend, format string, args ...any) Finding {
	if denied(err) {
		return unchecked(format+" (doctor does not run as root)", args...)
	}
	return failed(mend, format, args...)
}

// message returns the text of an error for people.
func message(err error) string {
	if failure := fault.From(err); failure != nil && failure.Message != "" {
		return failure.Message
	}
	return err.Error()
}

// shellWord returns a path as one word of a command line: what stands in a folder may have any name.
func shellWord(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/._-+@:,%", r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// clean returns the finding with texts of one line and limited length, without secrets.
func (f Finding) clean(mask func(string) string) Finding {
	for _, text := range []*string{&f.Text, &f.Mend} {
		if mask != nil {
			*text = mask(*text)
		}
		*text = plaintext.Clip(plaintext.Line(*text), maxFinding)
	}
	return f
}

// Worst returns the worst outcome of the findings; Passed if there are none.
func Worst(findings []Finding) Outcome {
	worst := Passed
	for _, f := range findings {
		worst = max(worst, f.Outcome)
	}
	return worst
}
