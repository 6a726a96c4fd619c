package namecheap

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller/sellerhttp"
)

// Rules CLI-7: this test has every command of the package. A dry run sends only commands that are known to read.
func TestDryRunSendsOnlyReads(t *testing.T) {
	for command, reading := range map[string]bool{
		commandList: true, commandInfo: true, commandApprovers: true, commandPricing: true, commandBalances: true,
		commandCreate: false, commandActivate: false, commandRenew: false, commandReissue: false, commandNames: false, commandEdit: false,
		commandResend: false, commandRevoke: false, "namecheap.ssl.future": false, "": false,
	} {
		assert.Equal(t, reading, reads(true)(sellerhttp.Call{Name: command}), command)
	}
	assert.Nil(t, reads(false), "a real run sends everything")
}
