package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/filelock"
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

// The record of a probe that runs is in the file too, and is no leftover. Two would also replace each other's file.
func TestTwoProbesDoNotRunAtOnce(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "var"), 0o700))
	x := &examination{o: Options{Binary: "pmtest", Probe: true, Diagnosis: item.Diagnosis{Root: root}}}
	text := []byte(`[{"placement":{"Publisher":"ns1","Zone":"example.com","Record":{"type":"CNAME","name":"_pmssl-test0.example.com"}}}]`)
	require.NoError(t, os.WriteFile(x.probeFile(), text, 0o600))
	other, err := os.Open(filepath.Join(root, "var"))
	require.NoError(t, err)
	free, err := filelock.Try(other, filelock.Exclusive)
	require.NoError(t, err)
	require.True(t, free)
	found := checkProbe(t.Context(), x, nil)
	require.Len(t, found, 1)
	assert.Equal(t, Unchecked, found[0].Outcome)
	assert.Contains(t, found[0].Text, "another probe")
	left, err := os.ReadFile(x.probeFile())
	require.NoError(t, err)
	assert.Equal(t, string(text), string(left), "the other probe's record stays known")
	require.NoError(t, other.Close())
	ended, f := x.lockProbes()
	require.Nil(t, f, "the lock ends with the other probe")
	ended()
}
