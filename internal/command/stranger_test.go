package command_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"pmssl/internal/command"
	"pmssl/internal/itemparam"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func itoa(id int64) string { return strconv.FormatInt(id, 10) }

// rules BUY-9: after a change of the account the item's id may be the order of another client there. That order is not cancelled,
// revoked or reissued.
func TestAnOrderOfAnotherClientIsNotChanged(t *testing.T) {
	for shown, row := range map[string]struct {
		name    string
		strange bool
	}{
		"another client's name":  {"other.example", true},
		"its name":               {"example.com", false},
		"its name in capitals":   {"EXAMPLE.com", false},
		"a name of the SANs":     {"www.example.com", false},
		"nothing":                {"", false},
		"no name":                {"example (3 names)", false},
		"its name, a final dot":  {"example.com.", false},
		"a wildcard of the name": {"*.example.com", true},
	} {
		t.Run("close/"+shown, func(t *testing.T) {
			s, able := able(t)
			for range 2 {
				id := s.seller.add(12)
				s.seller.issueNames(t, id, s.pair, s.at, 199, "www.example.com")
				s.seller.change(id, func(r *seller.OrderStatus) { r.CommonName = row.name })
			}
			newest := s.seller.next
			s.panel.stored = strings.Join(s.seller.statuses[newest].PEM, "\n")
			s.args.Command = "close"
			s.panel.order.Params[itemparam.OrderID], s.panel.order.Params[itemparam.Lineage] = itoa(newest), itoa(newest-1)+" "+itoa(newest)
			panel := &taskPanel{fakePanel: s.panel}
			_, err := command.Close(context.Background(), s.with(revokingSeller{able}, panel))
			require.NoError(t, err)
			if row.strange {
				assert.Empty(t, able.asked)
				require.Len(t, panel.texts, 1)
				assert.Contains(t, panel.texts[0], row.name)
				return
			}
			assert.Equal(t, []string{"revoke " + itoa(newest-1), "cancel " + itoa(newest)}, able.asked)
		})
		t.Run("reopen/"+shown, func(t *testing.T) {
			s := placedFixture(t, 12)
			s.remote.change(500, func(r *seller.OrderStatus) { r.PEM = signed(t, s.pair, now(), 199, "www.example.com") })
			s.panel.stored = strings.Join(s.remote.statuses[500].PEM, "\n")
			s.remote.change(500, func(r *seller.OrderStatus) { r.CommonName = row.name })
			err := s.run(command.Reopen)
			if row.strange {
				require.ErrorContains(t, err, row.name)
				assert.Zero(t, s.remote.reissues)
				assert.NotEmpty(t, s.panel.tasks)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 1, s.remote.reissues)
		})
		for theSeller, begin := range map[string]func(*testing.T) *fixture{"with a new id": endingFixture, "in place": endingRemote} {
			t.Run("prolong/"+theSeller+"/"+shown, func(t *testing.T) {
				s := begin(t)
				s.panel.stored = strings.Join(signed(t, s.pair, now(), 199, "www.example.com"), "\n")
				paid, rename := func() int { return s.seller.buys }, func(r *seller.OrderStatus) { r.CommonName = row.name }
				s.seller.change(101, rename)
				if s.remote != nil {
					paid = func() int { return s.remote.prolongs }
					s.remote.change(500, rename)
				}
				before := paid()
				err := s.run(command.Prolong)
				if row.strange {
					require.ErrorContains(t, err, row.name)
					assert.Equal(t, before, paid())
					return
				}
				require.NoError(t, err)
				assert.Equal(t, before+1, paid())
			})
		}
	}
}
