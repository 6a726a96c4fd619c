package ispmgr

import (
	"bytes"
	"encoding/json"
)

// decodeStrict decodes JSON into a new value, because encoding/json reuses the elements of an
// existing list. Unknown names are errors.
func decodeStrict[T any](text []byte) (T, error) {
	var value T
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&value)
	return value, err
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Product) UnmarshalJSON(text []byte) error {
	type plain Product
	value, err := decodeStrict[plain](text)
	*p = Product(value)
	return err
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *ExtraField) UnmarshalJSON(text []byte) error {
	type plain ExtraField
	value, err := decodeStrict[plain](text)
	*f = ExtraField(value)
	return err
}
