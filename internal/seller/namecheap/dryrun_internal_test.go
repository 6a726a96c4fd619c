package namecheap

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/seller/sellerhttp"
)

// rules CLI-7: every command of this package is here; what is not known to read is withheld from a dry run.
func TestWhichCommandsADryRunSends(t *testing.T) {
	for command, reading := range map[string]bool{
		commandList: true, commandInfo: true, commandApprovers: true, commandPricing: true, commandBalances: true,
		commandCreate: false, commandActivate: false, commandRenew: false, commandReissue: false, commandNames: false, commandEdit: false,
		commandResend: false, commandRevoke: false, "namecheap.ssl.future": false, "": false,
	} {
		assert.Equal(t, reading, reads(true)(sellerhttp.Call{Name: command}), command)
	}
	assert.Nil(t, reads(false), "a real run sends everything")
}
