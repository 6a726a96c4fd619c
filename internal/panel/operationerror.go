package panel

import (
	"encoding/xml"
	"strings"

	"pmssl/internal/plaintext"
	"pmssl/internal/safexml"
)

// maxShownError is the length in bytes of an operation's error as it is shown.
const maxShownError = 400

// operationError returns the text of an error document of a running operation: that of its last element msg, which is the error as
// a whole, else that of the last attribute value of an element error. It returns the empty text for a document that cannot be read.
func operationError(text string) string {
	found, value, inside := "", "", false
	rules := safexml.Rules{Depth: maxDepth, Elements: maxRows, Instructions: true, TextOutside: true}
	err := safexml.Walk([]byte(text), rules, func(token xml.Token) error {
		switch t := token.(type) {
		case xml.StartElement:
			if inside = t.Name.Local == "msg"; inside {
				found = ""
			}
			for _, a := range t.Attr {
				if t.Name.Local == "error" && a.Name.Local == "value" {
					value = a.Value
				}
			}
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if inside && len(found) < maxOperationError {
				found += string(t)
			}
		}
		return nil
	})
	if err != nil {
		return ""
	}
	if strings.TrimSpace(found) == "" {
		found = value
	}
	return plaintext.Clip(plaintext.Line(found), maxShownError)
}
