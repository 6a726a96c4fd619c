package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/namecheap"
	"pmssl/internal/sandbox/provider"
	"pmssl/internal/sandbox/walk"
)

// walkOptions are those of a walk of the binaries under test.
func walkOptions(seller string, seed uint64, steps int) walk.Options {
	return walk.Options{
		Bin: built.bin, Engine: string(built.server.Kind()), Seller: seller, Seed: seed, Steps: steps, Now: time.Now, Random: rand.Reader,
	}
}

// The modules do what the model expects of them by the rules, whatever the client, the administrator and the seller do.
func TestARandomWalkAgreesWithTheModel(t *testing.T) {
	for _, seller := range provider.Sellers() {
		t.Run(seller, func(t *testing.T) {
			t.Parallel()
			result, err := walk.Run(t.Context(), walkOptions(seller, 2026, 300))
			require.NoError(t, err)
			assert.Equal(t, 300, result.Steps)
			assert.Positive(t, result.Payments)
			assert.Positive(t, result.Reissues)
			assert.Positive(t, result.Kinds[walk.Sweep].Steps)
		})
	}
}

// A run that is killed and run again comes to the same, in whatever state the item is.
func TestARandomWalkWithKillsAgreesWithTheModel(t *testing.T) {
	for _, seller := range provider.Sellers() {
		t.Run(seller, func(t *testing.T) {
			t.Parallel()
			o := walkOptions(seller, 2026, 150)
			o.Kills = 2
			result, err := walk.Run(t.Context(), o)
			require.NoError(t, err)
			assert.Positive(t, result.Kills)
			assert.Positive(t, result.Payments)
		})
	}
}

// A walk ends at the first step after which the system is not as the model expects, and names what differs.
func TestARandomWalkFindsWhatTheModelDoesNotExpect(t *testing.T) {
	const at = 25 // the step after which something happens behind the model's back
	sql := func(statement string) func(context.Context, *provider.Provider) error {
		return func(ctx context.Context, p *provider.Provider) error {
			done, err := p.Panel.DB().ExecContext(ctx, statement)
			if err != nil {
				return err
			}
			if changed, err := done.RowsAffected(); err != nil || changed == 0 {
				return errors.Join(err, errors.New("nothing was changed: "+statement))
			}
			return nil
		}
	}
	for name, row := range map[string]struct {
		disturb func(context.Context, *provider.Provider) error
		found   string
	}{
		"a second payment":           {payTwice, "payments: the model has"},
		"another start of the term":  {sql("UPDATE itemparam SET value='2025-01-31' WHERE intname='term_start'"), "term_start=2025-01-31"},
		"another expiration date":    {sql("UPDATE item SET expiredate='2025-01-31' WHERE status=2"), "expires=2025-01-31"},
		"another status":             {sql("UPDATE itemparam SET value='6' WHERE intname='service_status'"), "service=refused"},
		"an id less in the lineage":  {sql("UPDATE itemparam SET value='' WHERE intname='lineage'"), "lineage= "},
		"an operation":               {sql("INSERT INTO runningoperation (item, intname, manual) SELECT MIN(id), 'suspend', 'on' FROM item WHERE status=2"), "suspend"},
		"an item that nobody placed": {sql("INSERT INTO item (name, status) VALUES ('stray.example', 2)"), "items of the panel: the model has"},
	} {
		t.Run(name, func(t *testing.T) {
			o := walkOptions("namecheap", 2026, at+1)
			o.Disturb = func(ctx context.Context, step int, p *provider.Provider) error {
				if step != at {
					return nil
				}
				return row.disturb(ctx, p)
			}
			_, err := walk.Run(t.Context(), o)
			var d *walk.Difference
			require.ErrorAs(t, err, &d)
			assert.Equal(t, at, d.Step)
			assert.Contains(t, strings.Join(d.Found, "\n"), row.found)
			assert.NotEmpty(t, d.Steps)
			assert.Contains(t, err.Error(), "seed 2026, step 25")
		})
	}
}

func TestARandomWalkFindsASecretInALog(t *testing.T) {
	for name, secret := range map[string]func(p *provider.Provider) string{
		"of the seller": func(p *provider.Provider) string { return p.Sellers[0].Secret() },
		"a private key": func(*provider.Provider) string { return "-----BEGIN EC PRIVATE KEY-----" },
	} {
		t.Run(name, func(t *testing.T) {
			o := walkOptions("namecheap", 2026, 1)
			o.Disturb = func(_ context.Context, _ int, p *provider.Provider) error {
				return os.WriteFile(filepath.Join(p.Panel.Root(), "var", "pmother.log"), []byte(secret(p)), 0o600)
			}
			_, err := walk.Run(t.Context(), o)
			require.ErrorContains(t, err, "pmother.log has a secret")
		})
	}
}

// payTwice buys a certificate that no item wants.
func payTwice(_ context.Context, p *provider.Provider) error {
	seller := p.Sellers[0]
	if err := seller.SetFault(provider.NoFault); err != nil {
		return err
	}
	answer, err := http.PostForm(seller.Address(), url.Values{
		"ApiUser": {namecheap.DefaultUser}, "UserName": {namecheap.DefaultUser}, "ApiKey": {seller.Secret()}, "ClientIp": {"127.0.0.1"},
		"Command": {"namecheap.ssl.create"}, "Type": {"PositiveSSL"}, "Years": {"1"},
	})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(text), `IsSuccess="true"`) {
		err = errors.New(string(text))
	}
	return err
}

// checkWalk runs a line with pmssl-walk, with few steps.
func checkWalk(t *testing.T, _ *pageWorld, l pageLine, c simpleCommand) {
	t.Helper()
	line, err := walk.ParseFlags(c.args(), built.bin, io.Discard)
	require.NoError(t, err, l.where())
	o := walkOptions("", line.Seed, min(line.Steps, 20))
	o.Kills = line.Kills
	summary, err := walk.Several(t.Context(), o, line.Sellers, line.Workers, io.Discard)
	require.NoError(t, err, l.where())
	assert.Contains(t, summary.String(), "differences 0")
}
