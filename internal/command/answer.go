package command

import (
	"encoding/json"

	"github.com/beevik/etree"

	"pmssl/internal/item"
)

// answer answers in the format of the run: with a text for people, with what is encoded as JSON, or with a document. Only the one
// that is asked for is made.
func answer(run *item.Run, text func() string, data func() any, document func() *etree.Document) (*etree.Document, error) {
	switch run.Format {
	case item.FormatText:
		run.Print = text()
	case item.FormatJSON:
		encoded, err := json.MarshalIndent(data(), "", "  ")
		if err != nil {
			return nil, err
		}
		run.Print = string(encoded) + "\n"
	default:
		return document(), nil
	}
	return nil, nil
}
