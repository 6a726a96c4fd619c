package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// FieldErrors gathers what is wrong with the fields of one order, so that a client hears all of it at once. The zero value
// is ready for use.
type FieldErrors struct {
	fields, wrong, missing []string
}

// Wrong notes that a field's value cannot be used, and why: "\"Germany\" is not the two-letter code of a country".
func (c *FieldErrors) Wrong(field, format string, args ...any) {
	c.fields = append(c.fields, field)
	c.wrong = append(c.wrong, field+": "+fmt.Sprintf(format, args...))
}

// Missing notes that a required field is empty.
func (c *FieldErrors) Missing(field string) {
	if !slices.Contains(c.missing, field) {
		c.missing = append(c.missing, field)
	}
}

// Require notes those of the fields that are missing or empty.
func (c *FieldErrors) Require(params map[string]string, fields ...string) {
	for _, field := range fields {
		if strings.TrimSpace(params[field]) == "" {
			c.Missing(field)
		}
	}
}

// Fault returns all of it in one: of type missed where something is missing and nothing else is wrong, else of type value;
// its object is the first of the fields concerned, in alphabetical order. nil if nothing was noted.
func (c *FieldErrors) Fault() error {
	texts, fields, kind := slices.Clone(c.wrong), slices.Clone(c.fields), Value
	if len(texts) == 0 {
		kind = Missed
	}
	if missing := slices.Sorted(slices.Values(c.missing)); len(missing) > 0 {
		fields = append(fields, missing...)
		texts = append(texts, "missing "+strings.Join(missing, ", "))
	}
	if len(texts) == 0 {
		return nil
	}
	failure := Errorf(kind, slices.Min(fields), "%s", strings.Join(texts, "; "))
	failure.Err = gathered{*c}
	return failure
}

// Join returns all that is wrong with an order in one fault, each problem with its field: the only one as it is, several as
// Complaints has them. nil if nothing is wrong.
func Join(wrong ...error) error {
	wrong = slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
	switch len(wrong) {
	case 0:
		return nil
	case 1:
		return wrong[0]
	}
	var all FieldErrors
	for _, err := range wrong {
		var several gathered
		if errors.As(err, &several) {
			all.fields, all.wrong = append(all.fields, several.fields...), append(all.wrong, several.wrong...)
			all.missing = append(all.missing, several.missing...)
			continue
		}
		failure := From(err)
		all.Wrong(failure.Object, "%s", failure.Message)
	}
	return all.Fault()
}

// gathered is the cause of a fault that Complaints made: what it was made of.
type gathered struct{ FieldErrors }

// Error implements error; the fault has the text.
func (g gathered) Error() string {
	return strings.Join(append(slices.Clone(g.wrong), g.missing...), "; ")
}
