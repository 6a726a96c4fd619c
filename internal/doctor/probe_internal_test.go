package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
	"pmssl/internal/publish"
)

// A probe that could not be made has removed nothing.
func TestWhatAnEarlierProbeLeftIsNoTickDuringAProbe(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o700))
	x := &examination{o: Options{Binary: "pmtest", Probe: true, Diagnosis: item.Diagnosis{Root: root}}}
	assert.Equal(t, Passed, Worst(checkLeftovers(t.Context(), x)))
	text, err := json.Marshal([]probed{{Placement: publish.Placement{Zone: "example.com", Record: recordFor(publish.CNAME, "shop.example.com", "0")}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(x.probeFile(), text, 0o600))
	found := checkLeftovers(t.Context(), x)
	assert.Equal(t, Unchecked, Worst(found))
	assert.Contains(t, found[0].Text, "_pmssl-test0.shop.example.com")
}

// What an earlier probe has left goes although the item of this one has no publisher.
func TestAProbeDoesNotNeedThePublisherOfItsItem(t *testing.T) {
	for _, c := range Checks() {
		if c.ID == "item_probe" {
			assert.NotContains(t, c.Needs, "item_publisher")
			assert.Subset(t, c.After, []string{"item_publisher", "leftovers"})
		}
	}
}
