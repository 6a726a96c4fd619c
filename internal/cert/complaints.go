package cert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Complaints gathers what is wrong with the fields of one order, so that a client hears all of it at once. The zero value is
// ready for use.
type Complaints struct {
	fields, wrong, missing []string
}

// Wrong notes that a field's value cannot be used, and why: "\"Germany\" is not the two-letter code of a country".
func (c *Complaints) Wrong(field, format string, args ...any) {
	c.fields = append(c.fields, field)
	c.wrong = append(c.wrong, field+": "+fmt.Sprintf(format, args...))
}

// Missing notes that a required field is empty.
func (c *Complaints) Missing(field string) {
	if !slices.Contains(c.missing, field) {
		c.missing = append(c.missing, field)
	}
}

// Require notes those of the fields that are missing or empty.
func (c *Complaints) Require(params map[string]string, fields ...string) {
	for _, field := range fields {
		if strings.TrimSpace(params[field]) == "" {
			c.Missing(field)
		}
	}
}

// Subject holds the fields that describe people and the organisation against what CAs take (CheckField), in alphabetical
// order. Other parameters are not looked at.
func (c *Complaints) Subject(params map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if subjectCheck(name) == nil {
			continue
		}
		if err := CheckField(name, params[name]); err != nil {
			c.Wrong(name, "%s", FaultOf(err).Value)
		}
	}
}

// Fault is all of it in one: of type missed where something is missing and nothing else is wrong, else of type value; its
// object is the first of the fields concerned, in alphabetical order. nil where nothing was noted.
func (c *Complaints) Fault() error {
	texts, fields, kind := slices.Clone(c.wrong), slices.Clone(c.fields), FaultValue
	if len(texts) == 0 {
		kind = FaultMissed
	}
	if missing := slices.Sorted(slices.Values(c.missing)); len(missing) > 0 {
		fields = append(fields, missing...)
		texts = append(texts, "missing "+strings.Join(missing, ", "))
	}
	if len(texts) == 0 {
		return nil
	}
	return Faultf(kind, slices.Min(fields), "%s", strings.Join(texts, "; "))
}

// merged is all that is wrong in one fault: the only one as it is, several with each one's field. nil where there is none.
func merged(wrong []error) error {
	var complaints Complaints
	var only error
	for _, err := range wrong {
		if err == nil {
			continue
		}
		if only == nil {
			only = err
		}
		fault := FaultOf(err)
		complaints.Wrong(fault.Object, "%s", fault.Value)
	}
	if len(complaints.wrong) < 2 {
		return only
	}
	return complaints.Fault()
}

// dateFlaw wants a day as ISO 8601 writes it, which the seller's form of the field is too (namecheap-ssl-api §3.2).
func dateFlaw(text string) string {
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		return "is not a date written YYYY-MM-DD"
	}
	return ""
}
