package standin_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/standin"
)

// published are the values that an authority finds.
type published map[string]bool

func (p published) Look(_ context.Context, c standin.Challenge) error {
	if p[c.Value] {
		return nil
	}
	return errors.New("not there")
}

// docs/reference/unattended.md §1: a challenge is seen, stands until the certificate is issued, and proves nothing twice.
func TestTheAuthorityWatchesChallenges(t *testing.T) {
	start := time.Date(2026, 4, 2, 10, 0, 0, 0, time.UTC)
	settings := standin.LookSettings{LookEverySeconds: 4 * 3600, IssueDelaySeconds: 600}
	dns := published{}
	var looks standin.Looks
	proved := [2]time.Time{}
	used := func(string) bool { return false }
	watch := func(after time.Duration) (bool, error) {
		domains := []standin.Domain{{Name: "a.example", Proved: &proved[0]}, {Name: "b.example", Proved: &proved[1]}}
		return settings.Watch(dns, standin.LookOrder{
			Domains: domains, Looks: &looks, Used: used,
			Challenges: []standin.Challenge{{Kind: standin.ChallengeCNAME, Domain: "a.example", Value: "va"}, {Kind: standin.ChallengeCNAME, Domain: "b.example", Value: "vb"}},
			Prove:      func(d []standin.Domain, at time.Time) { *d[0].Proved = at },
		}, start.Add(after))
	}
	require.Equal(t, false, first(t, watch)(0), "it looks at the submission")
	dns["va"], dns["vb"] = true, true
	assert.False(t, first(t, watch)(time.Hour), "no look is due")
	assert.Equal(t, 1, looks.Count)
	looks.Asked = true
	assert.False(t, first(t, watch)(2*time.Hour), "seen, and issued later")
	assert.Equal(t, start.Add(2*time.Hour), looks.Seen)
	assert.True(t, first(t, watch)(3*time.Hour))
	assert.Equal(t, []string{"a.example cname va", "b.example cname vb"}, looks.Used)

	looks, proved = looks.Next(), [2]time.Time{}
	_, err := watch(10 * time.Hour)
	require.ErrorContains(t, err, "was used for another certificate")

	looks, proved = standin.Looks{}, [2]time.Time{}
	assert.False(t, first(t, watch)(10*time.Hour))
	delete(dns, "vb")
	_, err = watch(11 * time.Hour)
	require.ErrorContains(t, err, "removed before")

	looks, proved = standin.Looks{}, [2]time.Time{start, start}
	assert.True(t, first(t, watch)(12*time.Hour), "an earlier validation is reused")
	assert.Zero(t, looks.Count)
}

// first returns the function's first result and fails if there is an error.
func first(t *testing.T, watch func(time.Duration) (bool, error)) func(time.Duration) bool {
	return func(after time.Duration) bool {
		ready, err := watch(after)
		require.NoError(t, err)
		return ready
	}
}
