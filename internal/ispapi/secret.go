package ispapi

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// pieceOfSecret is how many characters of a secret in a row make a text one that repeats it.
const pieceOfSecret = 8

// CallSecret implements SecretCaller. A panel may repeat what it was sent in any part of its answer, so no words of a refusal are kept
// but its type and the field that it is about, and an error that repeats a piece of a secret is replaced.
func (c *remote) CallSecret(ctx context.Context, function string, params, secrets url.Values) (*Element, *Refusal, error) {
	for name := range secrets {
		c.env.Learn(secrets.Get(name))
	}
	root, refused, err := c.call(ctx, function, params, secrets)
	if err != nil && holdsSecret(err.Error(), secrets) {
		err = fmt.Errorf("%s: the panel's answer cannot be used; it is not shown, because it repeats a secret", function)
	}
	if refused != nil {
		refused = &Refusal{Kind: fieldName(refused.Kind, secrets), Object: fieldName(refused.Object, secrets)}
	}
	return root, refused, err
}

// fieldName returns a text that can be the name of a parameter, and nothing for others.
func fieldName(text string, secrets url.Values) string {
	if !isFieldName(text) || holdsSecret(text, secrets) {
		return ""
	}
	return text
}

// holdsSecret reports whether a text holds a piece of a secret.
func holdsSecret(text string, secrets url.Values) bool {
	for name := range secrets {
		for line := range strings.Lines(secrets.Get(name)) {
			line = strings.TrimSpace(line)
			for i := 0; i+pieceOfSecret <= len(line); i++ {
				if strings.Contains(text, line[i:i+pieceOfSecret]) {
					return true
				}
			}
		}
	}
	return false
}
