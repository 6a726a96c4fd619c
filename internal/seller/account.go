package seller

import (
	"crypto/sha256"
	"encoding/hex"
)

// AccountMark stands for a seller's account where its name would be too long or too telling: in the lock of its purchases,
// in the journal and in names of files. It is the first 16 hex digits, lower case, of the SHA-256 of the account (rules
// BUY-1).
func AccountMark(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])[:16]
}
