package notify

import (
	"crypto/sha256"
	_ "embed" // shipped.sha256
	"encoding/hex"
	"strings"
)

// shippedSums lists the SHA-256 sum of every version of the templates that was ever installed. A file with one of these sums
// was not edited.
//
//go:embed templates/shipped.sha256
var shippedSums string

// isShipped reports whether the list, in the format of sha256sum, has the sum of this content for the named template.
func isShipped(list, name, content string) bool {
	sum := sha256.Sum256([]byte(content))
	return strings.Contains("\n"+list, "\n"+hex.EncodeToString(sum[:])+"  "+name+"\n")
}
