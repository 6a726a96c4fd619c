package seller

import (
	"crypto/sha256"
	"encoding/hex"
)

// AccountHash returns the first 16 hex digits, lower case, of the SHA-256 of the account (rules BUY-1). It stands for the
// account in the name of its purchase lock, in the journal and in file names, where the account's own name would be too long
// or would show the user.
func AccountHash(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])[:16]
}
