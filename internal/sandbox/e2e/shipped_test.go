package e2e

import (
	"bytes"
	"debug/buildinfo"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The simulated clock is only for demo and tests: the shipped binaries are built without its tag and do not contain the variable
// that names its file.
func TestShippedBinaryHasNoSimulatedClock(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for binary, simulated := range map[string]bool{built.shippedBinary(seller): false, built.simclockBinary(seller): true} {
			raw, err := os.ReadFile(binary)
			require.NoError(t, err)
			assert.Equal(t, simulated, bytes.Contains(raw, []byte("PMSSL_CLOCK")), binary)
			info, err := buildinfo.ReadFile(binary)
			require.NoError(t, err)
			tags := ""
			for _, setting := range info.Settings {
				if setting.Key == "-tags" {
					tags = setting.Value
				}
			}
			assert.Equal(t, simulated, strings.Contains(tags, "pmssl_simclock"), "%s: tags %q", binary, tags)
			for _, dependency := range info.Deps {
				assert.NotContains(t, dependency.Path, "sandbox", "%s links the stand-ins", binary)
				assert.NotContains(t, dependency.Path, "go-mysql-server", "%s links the stand-ins", binary)
			}
		}
	})
}
