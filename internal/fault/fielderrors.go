package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// FieldErrors collects the errors in the fields of one order, so that the client sees all of them at once. The zero value is
// ready for use.
type FieldErrors struct {
	fields, wrong, missing []string
}

// Wrong records that a field's value cannot be used, and why: "\"Germany\" is not the two-letter code of a country".
func (e *FieldErrors) Wrong(field, format string, args ...any) {
	e.fields = append(e.fields, field)
	e.wrong = append(e.wrong, field+": "+fmt.Sprintf(format, args...))
}

// Missing records that a required field is empty.
func (e *FieldErrors) Missing(field string) {
	if !slices.Contains(e.missing, field) {
		e.missing = append(e.missing, field)
	}
}

// Require records those of the fields that are missing or empty.
func (e *FieldErrors) Require(params map[string]string, fields ...string) {
	for _, field := range fields {
		if strings.TrimSpace(params[field]) == "" {
			e.Missing(field)
		}
	}
}

// Fault returns one fault about all recorded errors: of type missed if fields are only missing, else of type value. Its object is
// the alphabetically first of the fields. It returns nil if nothing was recorded.
func (e *FieldErrors) Fault() error {
	texts, fields, kind := slices.Clone(e.wrong), slices.Clone(e.fields), Value
	if len(texts) == 0 {
		kind = Missed
	}
	if missing := slices.Sorted(slices.Values(e.missing)); len(missing) > 0 {
		fields = append(fields, missing...)
		texts = append(texts, "missing "+strings.Join(missing, ", "))
	}
	if len(texts) == 0 {
		return nil
	}
	failure := Errorf(kind, slices.Min(fields), "%s", strings.Join(texts, "; "))
	failure.Err = fieldErrors{*e}
	return failure
}

// Join returns one fault about all errors, each with its field: a single error unchanged, several as FieldErrors reports them. It
// returns nil if all are nil.
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
		var several fieldErrors
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

// fieldErrors is the cause of a fault that FieldErrors returned, so that Join can merge it.
type fieldErrors struct{ FieldErrors }

// Error implements error.
func (e fieldErrors) Error() string {
	return strings.Join(append(slices.Clone(e.wrong), e.missing...), "; ")
}
