package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTableAddsTheSellersOfACommand(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(strings.NewReader(`{"campaign":"kill","part":"open","seller":"pmnamecheap","done":5,"missed":1}
{"campaign":"kill","part":"open","seller":"pmispmgrssl","done":7}
{"campaign":"kill","part":"names","seller":"pmnamecheap","done":2}
`), &out))
	assert.Equal(t, "| campaign | command | Namecheap | ISPmanager's billing | ended before it |\n|---|---|---|---|---|\n"+
		"| kill | `open` | 5 | 7 | 1 |\n| kill | `names` | 2 | – | 0 |\n| all | | 7 | 7 | 1 |\n", out.String())
	assert.Error(t, run(strings.NewReader("{"), &out))
}
