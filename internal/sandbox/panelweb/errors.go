package panelweb

import (
	"strings"

	"pmssl/internal/sandbox/panel"
)

// errorText returns an error as the panel shows it: by the message of the module's connection form or of the whole panel for its type.
// The panel's own messages, for types that it uses itself, are not known here; the module's connection form has them too.
func (s *Server) errorText(lang, module string, e *panel.ErrorNode) string {
	m, err := s.provider.Manifest(module)
	if err == nil {
		for _, section := range []string{"msgerror", "processing.edit." + module} {
			if text, there := m.Message(lang, section, "msg_error_"+e.Type); there {
				return fillIn(text, e)
			}
		}
	}
	return s.words.text(lang, "error_type", e.Type, e.Value)
}

// fillIn replaces the places __name__ of a message with the error's values, one pass over the message alone.
func fillIn(text string, e *panel.ErrorNode) string {
	pairs := []string{"__value__", e.Value, "__object__", e.Object}
	for name, value := range e.Params {
		if name != "value" {
			pairs = append(pairs, "__"+name+"__", value)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
