package ispmgr

import (
	"bytes"
	"encoding/json"
)

// fresh decodes JSON into a value of its own: encoding/json lays the elements
// of a new list over those of the old one. Unknown names are errors.
func fresh[T any](text []byte) (T, error) {
	var value T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	return value, err
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Product) UnmarshalJSON(text []byte) error {
	type plain Product
	value, err := fresh[plain](text)
	*p = Product(value)
	return err
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *ExtraField) UnmarshalJSON(text []byte) error {
	type plain ExtraField
	value, err := fresh[plain](text)
	*f = ExtraField(value)
	return err
}
