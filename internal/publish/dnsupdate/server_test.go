package dnsupdate_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
	"pmssl/internal/publish/dnsupdate"
	"pmssl/internal/publish/publishtest"
)

// onEachServer runs a test against BIND and Knot, each with the zones example.com and signed.example.
func onEachServer(t *testing.T, test func(t *testing.T, s *server)) {
	for _, kind := range []publishtest.Server{publishtest.Bind, publishtest.Knot} {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			test(t, &server{Peer: publishtest.Start(t, kind, "example.com", "signed.example")})
		})
	}
}

type server struct{ *publishtest.Peer }

// publisher returns a publisher for the server, with changes to its block.
func (s *server) publisher(t *testing.T, change ...func(b *publish.Block, e *publish.Env)) publish.Publisher {
	t.Helper()
	env, _ := publishtest.Env(t)
	block := publishtest.Sample(t, "dnsupdate-"+s.Kind()+".conf")
	block.Server, block.KeyFile = s.Addr, publishtest.SecretFile(t, s.Secret(t))
	for _, do := range change {
		do(&block, &env)
	}
	p, err := dnsupdate.New(block, env)
	require.NoError(t, err)
	return p
}

// serial returns the serial of a zone: it grows with each change.
func (s *server) serial(t *testing.T, zone string) uint32 {
	t.Helper()
	answer, err := publishtest.Ask(context.Background(), s.Addr, zone, dns.TypeSOA)
	require.NoError(t, err)
	require.Len(t, answer.Answer, 1)
	return answer.Answer[0].(*dns.SOA).Serial
}

// addTXT adds a record to what stands at a name, as somebody else with the same key does.
func (s *server) addTXT(t *testing.T, zone, name, value string) {
	t.Helper()
	message := new(dns.Msg).SetUpdate(dns.Fqdn(zone))
	message.Insert([]dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: 60}, Txt: []string{value}}})
	message.SetTsig("pmssl.", dns.HmacSHA256, 300, 0)
	client := &dns.Client{Net: "tcp", TsigSecret: map[string]string{"pmssl.": s.Secret(t)}}
	answer, _, err := client.Exchange(message, s.Addr)
	require.NoError(t, err)
	require.Equal(t, dns.RcodeSuccess, answer.Rcode)
}

func TestAChallengeIsPublishedAndWithdrawn(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		for _, c := range []struct {
			name, zone string
			record     publish.Record
		}{
			{"CNAME below a host", "example.com", publishtest.CNAME("_a1.www.example.com")},
			{"CNAME below the apex", "example.com", publishtest.CNAME("_a2.example.com")},
			{"TXT below a host", "example.com", publishtest.TXT("_a3.www.example.com")},
			{"TXT of the greatest length", "example.com", publish.Record{Type: publish.TXT, Name: "_a4.www.example.com", Value: strings.Repeat("x", 255)}},
			{"CNAME in a signed zone", "signed.example", publishtest.CNAME("_a5.www.signed.example")},
			{"TXT in a signed zone", "signed.example", publishtest.TXT("_a6.www.signed.example")},
			{"a host without records and without wildcards", "example.com", publishtest.CNAME("_a7.new.example.com")},
			{"a host that only has names below it", "example.com", publishtest.CNAME("_a8.hollow.example.com")},
			{"two labels of the challenge", "example.com", publishtest.CNAME("_a9._dv.www.example.com")},
		} {
			t.Run(c.name, func(t *testing.T) {
				for range 2 { // a second time after it was removed
					require.NoError(t, p.Publish(ctx, c.zone, c.record, nil))
					require.Len(t, s.At(t, c.record.Name), 1)
					serial := s.serial(t, c.zone)
					require.NoError(t, p.Publish(ctx, c.zone, c.record, nil), "published already")
					assert.Equal(t, serial, s.serial(t, c.zone), "nothing is written again")
					require.NoError(t, p.Withdraw(ctx, c.zone, c.record))
					assert.Empty(t, s.At(t, c.record.Name))
					require.NoError(t, p.Withdraw(ctx, c.zone, c.record), "withdrawn already")
				}
			})
		}
	})
}

func TestOwnOldValuesAreReplaced(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		for _, first := range []publish.Record{publishtest.CNAME("_b1.www.example.com"), publishtest.TXT("_b2.www.example.com")} {
			second := first
			second.Value = "new.ssl.com"
			require.NoError(t, p.Publish(ctx, "example.com", first, nil))
			require.ErrorIs(t, p.Publish(ctx, "example.com", second, nil), publish.ErrConflict)
			require.ErrorIs(t, p.Publish(ctx, "example.com", second, []string{"another.ssl.com"}), publish.ErrConflict)
			require.NoError(t, p.Publish(ctx, "example.com", second, []string{strings.ToUpper(publishtest.Target), publishtest.Text}))
			assert.Equal(t, []string{strings.ToLower(string(first.Type)) + " new.ssl.com"}, s.At(t, first.Name))
			require.NoError(t, p.Withdraw(ctx, "example.com", first), "the old value is gone")
			assert.Len(t, s.At(t, first.Name), 1)
			require.NoError(t, p.Withdraw(ctx, "example.com", second))
			assert.Empty(t, s.At(t, first.Name))
		}
	})
}

func TestTheCaseOfNamesAndTargetsDoesNotCount(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		lower, upper := publishtest.CNAME("_c1.www.example.com"), publishtest.CNAME("_C1.WWW.example.com")
		upper.Value = strings.ToUpper(publishtest.Target)
		require.NoError(t, p.Publish(ctx, "example.com", upper, nil))
		require.NoError(t, p.Publish(ctx, "example.com", lower, nil))
		require.NoError(t, p.Withdraw(ctx, "example.com", lower))
		assert.Empty(t, s.At(t, lower.Name))
	})
}

func TestForeignRecordsStayAsTheyAre(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		serial := s.serial(t, "example.com")
		for name, stands := range map[string]string{
			"_taken.www.example.com": "cname elsewhere.example.net",
			"_note.www.example.com":  "txt a text of somebody else",
			"_busy.www.example.com":  "srv 0 0 443 www.example.com",
		} {
			for _, record := range []publish.Record{publishtest.CNAME(name), publishtest.TXT(name)} {
				err := p.Publish(ctx, "example.com", record, []string{"own.example.net"})
				require.ErrorIs(t, err, publish.ErrConflict, "%s", record)
				assert.Contains(t, strings.ToLower(err.Error()), strings.Fields(stands)[1], "the error shows what stands there")
				require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", record), publish.ErrConflict)
				require.NoError(t, p.Withdraw(ctx, "example.com", record))
				assert.Equal(t, []string{stands}, s.At(t, name))
			}
		}
		assert.Equal(t, serial, s.serial(t, "example.com"))
	})
}

func TestATextBesideOursStays(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p, record := context.Background(), s.publisher(t), publishtest.TXT("_d1.www.example.com")
		require.NoError(t, p.Publish(ctx, "example.com", record, nil))
		s.addTXT(t, "example.com", record.Name, "foreign")
		require.ErrorIs(t, p.Publish(ctx, "example.com", record, nil), publish.ErrConflict)
		require.NoError(t, p.Withdraw(ctx, "example.com", record))
		assert.Equal(t, []string{"txt foreign"}, s.At(t, record.Name))
	})
}

func TestAHostThatOnlyAWildcardServesStays(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		require.Equal(t, []string{"a 192.0.2.13"}, s.At(t, "shop.wild.example.com"))
		serial := s.serial(t, "example.com")
		for _, name := range []string{"_e1.shop.wild.example.com", "_e1.deep.shop.wild.example.com", "_e1.shop.text.example.com"} {
			require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), publish.ErrWildcard)
			require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", publishtest.TXT(name)), publish.ErrWildcard)
		}
		assert.Equal(t, serial, s.serial(t, "example.com"))
		assert.Equal(t, []string{"a 192.0.2.13"}, s.At(t, "shop.wild.example.com"))
		// The wildcard's own parent has no records, but a wildcard does not answer for it.
		require.NoError(t, p.Publish(ctx, "example.com", publishtest.CNAME("_e2.wild.example.com"), nil))
		assert.Equal(t, []string{"a 192.0.2.13"}, s.At(t, "shop.wild.example.com"))
	})
}

func TestNamesOfOtherZonesAreNotWritten(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		for _, name := range []string{"_f1.child.example.com", "_f1.www.child.example.com", "_f1.www.other.example.com"} {
			require.ErrorIs(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), publish.ErrConflict, name)
			require.ErrorIs(t, publishtest.Check(ctx, p, "example.com", publishtest.CNAME(name)), publish.ErrConflict, name)
		}
		for _, name := range []string{"example.com", "www.example.com", "_f1.example.net", "_f1.www.example.com.example.net"} {
			require.ErrorContains(t, p.Publish(ctx, "example.com", publishtest.CNAME(name), nil), "publisher ns1")
		}
		assert.Equal(t, uint32(1), s.serial(t, "example.com"))
	})
}

func TestTheZoneIsTheOneThatTheServerHasAuthorityFor(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		p := s.publisher(t)
		for name, want := range map[string]string{
			"example.com":             "example.com",
			"EXAMPLE.com":             "example.com",
			"www.example.com":         "example.com",
			"a.b.c.example.com":       "example.com",
			"_taken.www.example.com":  "example.com", // a CNAME
			"x.wild.example.com":      "example.com",
			"www.signed.example":      "signed.example",
			"none.www.signed.example": "signed.example",
			"child.example.com":       "", // delegated
			"www.child.example.com":   "",
			"example.net":             "",
			"com":                     "",
		} {
			zone, ok, err := p.Zone(context.Background(), name)
			require.NoError(t, err, name)
			assert.Equal(t, want != "", ok, name)
			assert.Equal(t, publish.Zone{Name: want}, zone, name)
		}
		zone, ok, err := p.Zone(context.Background(), "www.other.example") // which the key may not change
		if s.Kind() == publishtest.Knot.Kind {
			require.ErrorIs(t, err, publish.ErrDenied)
		} else {
			require.NoError(t, err)
			assert.True(t, ok)
			assert.Equal(t, "other.example", zone.Name)
		}
		_, _, err = p.Zone(context.Background(), "*.example.com")
		assert.ErrorContains(t, err, "not a host name")
	})
}

func TestARefusalSaysWhatToDo(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		const wrong = "d3Jvbmcgc2VjcmV0IG9mIHRoaXJ0eS10d28gb2N0ZXRz"
		for name, c := range map[string]struct {
			change func(b *publish.Block, e *publish.Env)
			zone   string
			says   string
		}{
			"a zone that the key may not change":   {func(*publish.Block, *publish.Env) {}, "other.example", "update-policy or acl"},
			"a zone that the server does not have": {func(*publish.Block, *publish.Env) {}, "example.net", "primary of example.net"},
			"another secret":                       {func(b *publish.Block, _ *publish.Env) { b.KeyFile = publishtest.SecretFile(t, wrong) }, "example.com", "BADSIG: the secret in "},
			"another key":                          {func(b *publish.Block, _ *publish.Env) { b.KeyName = "unknown" }, "example.com", "BADKEY: the server does not know the key unknown"},
			"another algorithm":                    {func(b *publish.Block, _ *publish.Env) { b.Algorithm = "hmac-sha512" }, "example.com", "hmac-sha512"},
		} {
			t.Run(name, func(t *testing.T) {
				ctx, p := context.Background(), s.publisher(t, c.change)
				record := publishtest.CNAME("_g1.www." + c.zone)
				for what, err := range map[string]error{
					"Publish": p.Publish(ctx, c.zone, record, nil),
					"Check":   publishtest.Check(ctx, p, c.zone, record),
				} {
					require.ErrorIs(t, err, publish.ErrDenied, what)
					assert.ErrorContains(t, err, c.says, what)
					assert.NotContains(t, err.Error(), wrong)
					assert.NotContains(t, err.Error(), s.Secret(t))
				}
				assert.Empty(t, s.At(t, record.Name))
			})
		}
		_, _, err := s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.KeyName = "unknown" }).Zone(context.Background(), "example.com")
		assert.ErrorIs(t, err, publish.ErrDenied)
	})
}

func TestACheckChangesNothing(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		serial := s.serial(t, "example.com")
		for _, record := range []publish.Record{publishtest.CNAME("_h1.www.example.com"), publishtest.TXT("_h2.example.com"), publishtest.CNAME("_h3.new.example.com")} {
			require.NoError(t, publishtest.Check(ctx, p, "example.com", record))
			assert.Empty(t, s.At(t, record.Name))
		}
		assert.Equal(t, serial, s.serial(t, "example.com"))
		require.NoError(t, p.Publish(ctx, "example.com", publishtest.CNAME("_h1.www.example.com"), nil))
		require.NoError(t, publishtest.Check(ctx, p, "example.com", publishtest.CNAME("_h1.www.example.com")), "published already")
		assert.Len(t, s.At(t, "_h1.www.example.com"), 1)
	})
}

func TestSimultaneousRunsLeaveOneRecord(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, record := context.Background(), publishtest.CNAME("_i1.www.example.com")
		all := func(do func(p publish.Publisher) error) {
			var runs sync.WaitGroup
			for range 8 {
				p := s.publisher(t)
				runs.Go(func() { assert.NoError(t, do(p)) })
			}
			runs.Wait()
		}
		all(func(p publish.Publisher) error { return p.Publish(ctx, "example.com", record, nil) })
		assert.Len(t, s.At(t, record.Name), 1)
		old := record.Value
		record.Value = "new.ssl.com"
		all(func(p publish.Publisher) error { return p.Publish(ctx, "example.com", record, []string{old}) })
		assert.Equal(t, []string{"cname new.ssl.com"}, s.At(t, record.Name))
		all(func(p publish.Publisher) error { return p.Withdraw(ctx, "example.com", record) })
		assert.Empty(t, s.At(t, record.Name))
	})
}

func TestALostAnswerIsMadeUpForByTheNextRun(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p := context.Background(), s.publisher(t)
		for n := range 5 {
			record := publishtest.CNAME(fmt.Sprintf("_j%d.www.example.com", n))
			broken := s.publisher(t, func(_ *publish.Block, e *publish.Env) { e.Dial = losing(e.Dial, n) })
			_ = broken.Publish(ctx, "example.com", record, nil) // with n = 0 an error, with 4 none
			require.NoError(t, p.Publish(ctx, "example.com", record, nil))
			assert.Len(t, s.At(t, record.Name), 1)
			broken = s.publisher(t, func(_ *publish.Block, e *publish.Env) { e.Dial = losing(e.Dial, n) })
			_ = broken.Withdraw(ctx, "example.com", record)
			require.NoError(t, p.Withdraw(ctx, "example.com", record))
			assert.Empty(t, s.At(t, record.Name))
		}
		lost := s.publisher(t, func(_ *publish.Block, e *publish.Env) { e.Dial = losing(e.Dial, 1) })
		require.ErrorContains(t, lost.Publish(ctx, "example.com", publishtest.CNAME("_j9.www.example.com"), nil), "no usable answer")
		assert.Len(t, s.At(t, "_j9.www.example.com"), 1, "the server did what it was told")
	})
}

// losing returns a Dial whose connection number n (from 0) closes when the answer is to be read.
func losing(dial func(ctx context.Context, network, address string) (net.Conn, error), n int) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		n--
		if err == nil && n == -1 {
			return lossy{conn}, nil
		}
		return conn, err
	}
}

// lossy waits for an answer and does not give it.
type lossy struct{ net.Conn }

func (c lossy) Read(p []byte) (int, error) {
	_, _ = c.Conn.Read(p)
	return 0, net.ErrClosed
}

func TestAServerThatIsDownIsAnErrorAndItsRecordsLast(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		ctx, p, record := context.Background(), s.publisher(t), publishtest.CNAME("_k1.www.example.com")
		require.NoError(t, p.Publish(ctx, "example.com", record, nil))
		s.Stop()
		err := p.Withdraw(ctx, "example.com", record)
		require.ErrorContains(t, err, "connection refused")
		require.NotErrorIs(t, err, publish.ErrDenied)
		_, _, err = p.Zone(ctx, "example.com")
		require.Error(t, err)
		s.Restart(t)
		assert.Len(t, s.At(t, record.Name), 1)
		require.NoError(t, p.Withdraw(ctx, "example.com", record))
		assert.Empty(t, s.At(t, record.Name))
	})
}

func TestTheSecretIsMaskedAndNotLogged(t *testing.T) {
	onEachServer(t, func(t *testing.T, s *server) {
		env, seen := publishtest.Env(t)
		p := s.publisher(t, func(_ *publish.Block, e *publish.Env) { *e = env })
		require.NoError(t, p.Publish(context.Background(), "example.com", publishtest.CNAME("_l1.www.example.com"), nil))
		assert.Equal(t, []string{s.Secret(t)}, seen.Secrets())
		assert.NotContains(t, seen.Text(), s.Secret(t))
		missing := s.publisher(t, func(b *publish.Block, _ *publish.Env) { b.KeyFile = filepath.Join(t.TempDir(), "none") })
		require.ErrorContains(t, missing.Publish(context.Background(), "example.com", publishtest.CNAME("_l2.www.example.com"), nil), "no such file")
	})
}
