package execute_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/execute"
	"pmssl/internal/publish/publishtest"
)

// sampleHook returns the publisher of the sample with the sample's program, set up for the server.
func sampleHook(t *testing.T, peer *publishtest.Peer) publish.Publisher {
	t.Helper()
	if _, err := exec.LookPath("nsupdate"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("nsupdate is not installed (Debian: apt-get install bind9-dnsutils)")
		}
		t.Skip("nsupdate is not installed (Debian: apt-get install bind9-dnsutils)")
	}
	text, err := os.ReadFile("../../../etc/samples/pmssl/exec-nsupdate.sh")
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(peer.Addr)
	require.NoError(t, err)
	key := publishtest.SecretFile(t, `key "pmssl" { algorithm hmac-sha256; secret "`+peer.Secret(t)+`"; };`)
	script := strings.Replace(string(text), "server=192.0.2.53 ", "server='"+host+" "+port+"' ", 1)
	script = strings.Replace(script, "key=/usr/local/mgr5/etc/pmssl/nsupdate.key ", "key="+key+" ", 1)
	require.NotContains(t, script, "192.0.2.53")
	require.NotContains(t, script, "/usr/local/mgr5")

	env, _ := publishtest.Env(t)
	env.Environ = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	block := publishtest.Sample(t, "exec.conf")
	block.Program = filepath.Join(folder(t), "pmssl-dns-hook")
	require.NoError(t, os.WriteFile(block.Program, []byte(script), 0o755))
	p, err := execute.New(block, env)
	require.NoError(t, err)
	return p
}

// at returns the values of a kind of record at a name, in lower case.
func at(t *testing.T, peer *publishtest.Peer, name string, kind uint16) []string {
	t.Helper()
	answer, err := publishtest.Ask(context.Background(), peer.Addr, name, kind)
	require.NoError(t, err)
	var values []string
	for _, rr := range answer.Answer {
		values = append(values, strings.ToLower(strings.Trim(strings.TrimPrefix(rr.String(), rr.Header().String()), `".`)))
	}
	return values
}

func TestTheSamplesProgramWritesAndRemovesRecords(t *testing.T) {
	for _, server := range []publishtest.Server{publishtest.Bind, publishtest.Knot} {
		t.Run(server.Kind, func(t *testing.T) {
			t.Parallel()
			ctx, peer := context.Background(), publishtest.Start(t, server)
			p := sampleHook(t, peer)
			for _, r := range []publish.Record{
				{Type: publish.CNAME, Name: "_a1.www.example.com", Value: "S1.s2.sectigo.com"},
				{Type: publish.TXT, Name: "_a2.www.example.com", Value: "a b; c"},
				{Type: publish.CNAME, Name: "_a3.example.com", Value: "s1.s2.ssl.com"},
			} {
				kind := dns.StringToType[string(r.Type)]
				require.NoError(t, p.Publish(ctx, zone, r, nil))
				require.NoError(t, p.Publish(ctx, zone, r, nil), "published already")
				assert.Equal(t, []string{strings.ToLower(r.Value)}, at(t, peer, r.Name, kind))
				second := r
				second.Value = "new.sectigo.com"
				require.ErrorContains(t, p.Publish(ctx, zone, second, nil), "update failed: YXDOMAIN")
				require.NoError(t, p.Withdraw(ctx, zone, second), "another value")
				assert.Equal(t, []string{strings.ToLower(r.Value)}, at(t, peer, r.Name, kind))
				require.NoError(t, p.Publish(ctx, zone, second, []string{r.Value}))
				assert.Equal(t, []string{"new.sectigo.com"}, at(t, peer, r.Name, kind))
				require.NoError(t, p.Withdraw(ctx, zone, second))
				require.NoError(t, p.Withdraw(ctx, zone, second), "withdrawn already")
				assert.Empty(t, at(t, peer, r.Name, kind))
			}
			for name, says := range map[string]string{
				"_taken.www.example.com": "update failed: YXDOMAIN", "_busy.www.example.com": "update failed: YXDOMAIN", "_b.x.wild.example.com": "update failed: NXDOMAIN",
			} {
				require.ErrorContains(t, p.Publish(ctx, zone, publish.Record{Type: publish.CNAME, Name: name, Value: "s1.sectigo.com"}, nil), says, name)
			}
			assert.Equal(t, []string{"elsewhere.example.net"}, at(t, peer, "_taken.www.example.com", dns.TypeCNAME))

			peer.Stop()
			require.ErrorContains(t, p.Publish(ctx, zone, publish.Record{Type: publish.TXT, Name: "_c.www.example.com", Value: "x"}, nil), "_c.www.example.com. is not written")
		})
	}
}
