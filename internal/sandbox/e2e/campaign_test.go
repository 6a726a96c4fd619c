package e2e

import (
	"encoding/json"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The environment variables of the campaigns (docs/reliability.md). Without them `make test` runs a small part of each.
const (
	campaignSeed   = "CAMPAIGN_SEED"   // a number; the same one makes the same campaign
	campaignReport = "CAMPAIGN_REPORT" // a file to which each part adds a line of JSON
	campaignKills  = "CAMPAIGN_KILLS"  // kills of each command at each seller
	campaignFaults = "CAMPAIGN_FAULTS" // faults of each kind, of each command at each seller
	// campaignProcesses is how many processes work on 20 items at once.
	campaignProcesses = "CAMPAIGN_PROCESSES"
)

// campaignNumber returns the number of an environment variable.
func campaignNumber(t testing.TB, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// campaignRandom returns the random numbers of one part of a campaign: they depend on the seed and the part's name alone.
func campaignRandom(t testing.TB) *rand.Rand {
	t.Helper()
	name := fnv.New64a()
	_, _ = name.Write([]byte(t.Name()))
	return rand.New(rand.NewPCG(uint64(campaignNumber(t, campaignSeed, 1)), name.Sum64()))
}

// campaignPart is what one part of a campaign has done.
type campaignPart struct {
	Campaign  string         `json:"campaign"`
	Part      string         `json:"part"`
	Seller    string         `json:"seller"`
	Seed      int            `json:"seed"`
	Calls     int            `json:"calls,omitempty"` // system calls of an undisturbed run that others can see
	Done      int            `json:"done"`            // kills or faults that took effect
	Missed    int            `json:"missed"`          // runs that ended before it
	Kinds     map[string]int `json:"kinds"`           // what was hit
	Recovered int            `json:"recovered,omitempty"`
}

var campaignFile sync.Mutex

// report adds the part to the campaign's file.
func (p campaignPart) report(t testing.TB) {
	t.Helper()
	raw, err := json.Marshal(p)
	require.NoError(t, err)
	t.Logf("%s", raw)
	name := os.Getenv(campaignReport)
	if name == "" {
		return
	}
	campaignFile.Lock()
	defer campaignFile.Unlock()
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = file.Write(append(raw, '\n'))
	require.NoError(t, err)
	require.NoError(t, file.Close())
}

// count adds one of a kind.
func (p *campaignPart) count(kind string) {
	if p.Kinds == nil {
		p.Kinds = map[string]int{}
	}
	p.Done++
	p.Kinds[strings.TrimSpace(kind)]++
}
