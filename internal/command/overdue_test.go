package command_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/command"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"
	"pmssl/internal/seller"
)

// sweepsLookingUp runs hourly sweeps with the resolver, at a seller with these CAs.
func (p *publishing) sweepsLookingUp(t *testing.T, r *fakeResolver, issuers []string, hours int) {
	t.Helper()
	for range hours {
		began := p.at
		p.args = item.Args{Command: "subscription"}
		run := p.env()
		run.Info.Issuers, run.Resolver = issuers, func(string) item.Resolver { return r }
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		require.False(t, run.Failed)
		p.at = began.Add(time.Hour)
	}
}

// rules UNATT-6: the task and the mail about challenges that stand for two days say what DNS shows against the names. Only then that is
// looked up.
func TestWhatDNSShowsAgainstTheNamesIsNamedAfterTwoDays(t *testing.T) {
	own := []string{"ca.example"}
	for name, row := range map[string]struct {
		resolver *fakeResolver
		issuers  []string
		says     string
		note     string // on the item
	}{
		"CAA of another CA": {&fakeResolver{caa: map[string][]string{"example.com": {"other.example"}}}, own,
			"has not issued the certificate: the CAA records of example.com allow only other.example; one of ca.example is needed",
			"the CAA records of example.com allow only other.example; one of ca.example is needed"},
		"CAA, at a seller whose CAs are not known": {&fakeResolver{caa: map[string][]string{"example.com": {"other.example"}}}, nil,
			"has not issued the certificate: the CAA records of example.com allow only other.example", "the CAA records of example.com allow only other.example"},
		"the name is gone":  {&fakeResolver{gone: []string{"example.com"}}, own, "has not issued the certificate: example.com does not exist in DNS", "example.com does not exist in DNS"},
		"CAA of this CA":    {&fakeResolver{caa: map[string][]string{"example.com": own}}, own, "look for the reason at Seller, and in the log", ""},
		"the look-up fails": {&fakeResolver{panics: true}, own, "look for the reason at Seller, and in the log", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := publishingFixture(t, 10)
			p.sweepsLookingUp(t, row.resolver, row.issuers, 48)
			assert.Empty(t, row.resolver.asked)
			p.sweepsLookingUp(t, row.resolver, row.issuers, 2)
			require.Len(t, p.panel.texts, 1)
			assert.Contains(t, p.panel.texts[0], row.says)
			assert.Equal(t, row.note, p.param(itemparam.StatusNote))
			require.Len(t, p.mailer.notices, 1)
			assert.Equal(t, row.note != "", len(p.mailer.notices[0].Obstacles) == 1)
			asked := len(row.resolver.asked)
			assert.NotZero(t, asked)
			p.sweepsLookingUp(t, row.resolver, row.issuers, 24)
			assert.Len(t, row.resolver.asked, asked, "once")
			p.issue(t)
			p.sweep(t)
			assert.Empty(t, p.param(itemparam.StatusNote))
			assert.Contains(t, p.panel.calls, "close task 1")
		})
	}
}

// A DNS server that does not answer delays the task by seconds.
func TestATaskDoesNotWaitForDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := publishingFixture(t, 10)
		began := time.Now()
		p.sweepsLookingUp(t, &fakeResolver{hang: true}, nil, 50)
		assert.Len(t, p.panel.texts, 1)
		assert.LessOrEqual(t, time.Since(began), 5*time.Second)
	})
}

// A record that is not seen everywhere after two days is the reason.
func TestTheTaskSaysWhatIsNotSeen(t *testing.T) {
	p := publishingFixture(t, 10)
	p.service.sight = func(publish.Placement) (publish.Sight, error) {
		return publish.Sight{Why: "the name server ns2.example.com has no CNAME at _m.example.com"}, nil
	}
	p.sweep(t)
	p.sweeps(t, time.Hour, 49*time.Hour)
	require.Len(t, p.panel.texts, 1)
	assert.Contains(t, p.panel.texts[0], "_m.example.com CNAME t.ca.example is not seen everywhere (the name server ns2.example.com has no CNAME at _m.example.com)")
}

// rules UNATT-6: a first order is nobody's reissue: no mail, but a task after two days, until the certificate is stored.
func TestAFirstOrderThatIsOverdueIsATask(t *testing.T) {
	for policy, tasks := range map[string]int{"auto": 1, "manual": 1, "none": 0} {
		t.Run(policy, func(t *testing.T) {
			p := publishingOf(t, newFixture(t))
			p.panel.settings["SSLSubscriptionPolicy"] = policy
			require.NoError(t, p.do(command.Open, "open"))
			p.seller.listed = map[int64]seller.State{101: seller.StateWaiting}
			p.sweeps(t, time.Hour, 47*time.Hour)
			assert.Empty(t, p.panel.tasks)
			p.sweeps(t, time.Hour, 5*time.Hour)
			assert.Empty(t, p.mailer.notices)
			require.Len(t, p.panel.tasks, tasks)
			if tasks > 0 {
				assert.Contains(t, p.panel.texts[0], "the order 101 of ")
				assert.Contains(t, p.panel.texts[0], "has not issued the certificate")
			}
			p.seller.listed = nil
			p.issue(t)
			p.sweep(t)
			p.clean(t)
			if tasks > 0 {
				assert.Contains(t, p.panel.calls, "close task 1")
			}
		})
	}
}
