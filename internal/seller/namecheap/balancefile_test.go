package namecheap_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/seller"
	"pmssl/internal/seller/namecheap"
)

// holds answers with a balance.
func holds(amount string) string {
	return ok(`<UserGetBalancesResult AvailableBalance="` + amount + `" Currency="USD"/>`)
}

// keptText returns the amount of the kept balance; empty if none is known.
func keptText(c *namecheap.Client) string {
	balance, known := c.KeptBalance()
	if !known {
		return ""
	}
	return balance.Text
}

func balanceFiles(t *testing.T, s *stage) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*balance*"))
	require.NoError(t, err)
	return files
}

// rules BUY-8: the balance that one process has read serves the others for an hour, and a question is always answered by Namecheap.
func TestBalanceIsKeptForAnHour(t *testing.T) {
	s := newStage(t, says(holds("50.25")), says(holds("40.00")))
	assert.Empty(t, keptText(s.Client), "nobody has asked yet")
	balance, err := s.Balance(t.Context())
	require.NoError(t, err)
	other := s.connect(t, s.address)
	kept, known := other.KeptBalance()
	assert.True(t, known)
	assert.Equal(t, balance, kept)
	s.later(time.Hour - time.Second)
	assert.Equal(t, "50.25", keptText(other))
	s.later(time.Second)
	assert.Empty(t, keptText(other), "an hour old")
	assert.Len(t, s.sent(), 1, "the kept balance sends nothing")
	_, err = other.Balance(t.Context())
	require.NoError(t, err)
	_, err = other.Balance(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.sent(), 3, "Balance always asks")
	assert.Equal(t, "40.00", keptText(s.Client))

	files := balanceFiles(t, s)
	require.Len(t, files, 1, "no drafts are left")
	assert.Regexp(t, `/pmnamecheap\.balance\.[0-9a-f]{16}$`, files[0])
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	content, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for _, secret := range []string{key, "Reseller", "reseller"} {
		assert.NotContains(t, string(content)+files[0], secret)
	}
}

// Accounts differ by address, user, or sandbox, which is an address of its own.
func TestEachAccountHasItsOwnKeptBalance(t *testing.T) {
	s := newStage(t, says(holds("50.00")))
	_, err := s.Balance(t.Context())
	require.NoError(t, err)
	s.params["username"] = "another"
	assert.Empty(t, keptText(s.connect(t, s.address)))
	s.params["username"] = "Reseller"
	assert.Empty(t, keptText(s.connect(t, "")), "the live address")
	s.params["sandbox"] = "on"
	assert.Empty(t, keptText(s.connect(t, "")), "the sandbox")
	s.params["sandbox"] = "off"
	assert.Equal(t, "50.00", keptText(s.connect(t, s.address)))
}

// rules BUY-8: what is paid for is not in the kept balance any more, whatever becomes of the payment.
func TestPaymentLowersOrForgetsTheKeptBalance(t *testing.T) {
	for _, c := range []struct {
		rule, answer, want string
	}{
		{"the charge is known", ok(bought), "41.00"},
		{"the charge is not named", ok(strings.Replace(bought, ` ChargedAmount="9.0000"`, "", 1)), ""},
		{"the charge cannot be read", ok(strings.Replace(bought, "9.0000", "9,0000", 1)), ""},
		{"the answer cannot be read", "<html>", ""},
		{"the purchase is refused", refusal("2528166", "Order creation failed"), ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(holds("50.00")), says(c.answer))
			_, err := s.Balance(t.Context())
			require.NoError(t, err)
			s.later(30 * time.Minute)
			_, _ = s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
			assert.Equal(t, c.want, keptText(s.Client))
			s.later(30 * time.Minute)
			assert.Empty(t, keptText(s.Client), "a payment does not make it newer")
		})
	}
	t.Run("nothing was kept", func(t *testing.T) {
		s := newStage(t, says(ok(bought)))
		_, err := s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
		require.NoError(t, err)
		assert.Empty(t, balanceFiles(t, s))
	})
	t.Run("it is forgotten before the request is sent", func(t *testing.T) {
		s := newStage(t, says(holds("50.00")))
		_, err := s.Balance(t.Context())
		require.NoError(t, err)
		reader := s.connect(t, s.address)
		var during string
		s.answers = append(s.answers[:0], func(w http.ResponseWriter, r *http.Request) {
			during = keptText(reader)
			says(ok(bought))(w, r)
		})
		_, err = s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
		require.NoError(t, err)
		assert.Empty(t, during, "a run that is killed now leaves no balance that is too high")
	})
	t.Run("one of the future is forgotten too", func(t *testing.T) {
		s := newStage(t, says(holds("50.00")), says(ok(bought)))
		_, err := s.Balance(t.Context())
		require.NoError(t, err)
		s.later(-time.Minute)
		_, err = s.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
		require.NoError(t, err)
		s.later(2 * time.Minute)
		assert.Empty(t, keptText(s.Client))
	})
	t.Run("a dry run leaves it", func(t *testing.T) {
		s := newStage(t, says(holds("50.00")))
		_, err := s.Balance(t.Context())
		require.NoError(t, err)
		options := s.options(s.address)
		options.DryRun = true
		dry, err := namecheap.New(options)
		require.NoError(t, err)
		_, err = dry.Buy(t.Context(), purchase(t, "positivessl", 12, 0))
		require.Error(t, err)
		assert.Equal(t, "50.00", keptText(s.Client))
	})
}

func TestUnusableKeptBalanceIsUnknown(t *testing.T) {
	const good = `{"format":1,"read":"2026-07-12T09:30:00Z","amount":"7.00","currency":"USD"}`
	for _, c := range []struct {
		rule, content string
		known, warned bool
	}{
		{"good", good, true, false},
		{"negative", strings.Replace(good, "7.00", "-7.00", 1), true, false},
		{"cut off", good[:30], false, true},
		{"empty", "", false, true},
		{"no JSON", "\x00\x01", false, true},
		{"an amount with a comma", strings.Replace(good, "7.00", "7,00", 1), false, false},
		{"no amount", strings.Replace(good, "7.00", "", 1), false, false},
		{"no currency", strings.Replace(good, "USD", "", 1), false, false},
		{"of tomorrow", strings.Replace(good, "07-12", "07-13", 1), false, false},
		{"without a time", `{"format":1,"amount":"7.00","currency":"USD"}`, false, false},
		{"of another version", strings.Replace(good, `"format":1`, `"format":2`, 1), false, false},
		{"too large", good + strings.Repeat(" ", 4<<10), false, true},
	} {
		t.Run(c.rule, func(t *testing.T) {
			s := newStage(t, says(holds("9.00")))
			_, err := s.Balance(t.Context())
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(balanceFiles(t, s)[0], []byte(c.content), 0o600))
			_, known := s.KeptBalance()
			assert.Equal(t, c.known, known)
			assert.Equal(t, c.warned, strings.Contains(strings.Join(s.log.Tail(50), "\n"), "the kept balance at Namecheap is not used"))
			_, err = s.Balance(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "9.00", keptText(s.Client), "the next answer replaces it")
		})
	}
	t.Run("a folder that cannot be written to", func(t *testing.T) {
		s := newStage(t, says(holds("9.00")))
		s.dir = filepath.Join(s.dir, "not-there")
		client := s.connect(t, s.address)
		balance, err := client.Balance(t.Context())
		require.NoError(t, err)
		assert.Equal(t, seller.Money{Amount: 9, Text: "9.00", Currency: "USD"}, balance)
		assert.Empty(t, keptText(client))
		assert.Contains(t, strings.Join(s.log.Tail(50), "\n"), "the balance at Namecheap is not kept")
	})
}
