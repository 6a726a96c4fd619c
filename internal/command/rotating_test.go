package command_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/pki/pkitest"
	"pmssl/internal/publish"
	"pmssl/internal/seller"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules ROTATE-1 to ROTATE-4, ROTATE-6: each reissue of the sweep is for a new key, which panel and server get.
func TestAReissueOfTheSweepIsForANewKey(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		r := begin(t)
		for round := 1; round <= 3; round++ {
			before := *r.panel
			doc, failed := r.sweep()
			require.False(t, failed, doc)
			require.Equal(t, round, r.reissues(), r.log.lines)
			csr := r.asked()
			require.NotNil(t, r.panel.pairs)
			assert.Equal(t, item.KeyPair{CSR: before.order.CSR, Key: before.key}, r.panel.pairs.Old)
			assert.Equal(t, csr.PEM, r.panel.pairs.New.CSR)
			assert.Equal(t, before.order.CSR, r.panel.order.CSR, "the panel keeps its pair until the certificate is there")
			r.noKeyShown()

			r.issue()
			doc, failed = r.sweep()
			require.False(t, failed, doc)
			r.finished(round)
			require.Len(t, r.delivery.keys, round)
			_, fits := csr.FittingKey(r.delivery.keys[round-1])
			assert.True(t, fits, "the server gets the new key")
			order := []string{"save keys", "save rotated_csr", "save reissue_of", "certificate.save", "replace key", "drop rotated_csr",
				"save delivery", "setstatus 5", "deliver web7", "save deployed_serial", "remove keys", "drop delivery"}
			for i, step := range order[1:] {
				if step != "setstatus 5" || r.remote == nil {
					assert.Less(t, r.position(order[i]), r.position(step), "%s before %s: %v", order[i], step, r.panel.calls)
				}
			}
			assert.Empty(t, r.panel.tasks)
			r.noKeyShown()

			r.panel.calls = nil
			r.sweeps(5 * time.Hour)
			assert.Empty(t, r.panel.calls, "then nothing is done any more")
			r.at = r.stored().Leaf.NotAfter.AddDate(0, 0, -9)
		}
	})
}

// rules ROTATE-1: without the option, or where the key cannot be brought to every server, the key stays.
func TestWhereTheKeyIsNotChanged(t *testing.T) {
	type change func(r *rotating)
	for name, c := range map[string]struct {
		change change
		says   string
	}{
		"the option is not set": {change: func(r *rotating) { delete(r.panel.settings, item.SettingRotateKey) }},
		"the option is off":     {change: func(r *rotating) { r.panel.settings[item.SettingRotateKey] = "off" }},
		"an unknown word": {change: func(r *rotating) { r.panel.settings[item.SettingRotateKey] = "yes" },
			says: `SSLRotateKey is "yes": possible are on and off; taken as off`},
		"no deploy block":      {change: func(r *rotating) { r.delivery.configured = false }, says: "there is no deploy block, or SSLUnattended is not on"},
		"SSLUnattended is dry": {change: func(r *rotating) { r.delivery.mode = publish.Dry }, says: "there is no deploy block, or SSLUnattended is not on"},
		"a block without key yes": {change: func(r *rotating) {
			r.delivery.targets = append(r.delivery.targets, deliver.Target{Block: "lb1", Sites: []string{"www.example.com"}})
		}, says: "deploy lb1 (www.example.com) does not say `key yes`, or calls its panel by mgrctl"},
		"a server that would not take another key": {change: func(r *rotating) {
			r.delivery.noKey = map[string]error{"web7": errors.New("sslcert.setcrt: the form has no field for the private key")}
		}, says: "deploy web7 takes no new key: sslcert.setcrt: the form has no field for the private key"},
		"a name without a block": {change: func(r *rotating) {
			r.delivery.reasons = []deliver.Reason{{Name: "www.example.com", Err: deliver.ErrNoBlock}}
		}, says: "www.example.com: no deploy block serves it"},
		"a name that no target has": {change: func(r *rotating) { r.delivery.targets[0].Sites = []string{"example.com"} }, says: "no deploy block serves www.example.com"},
		"a panel that is away": {change: func(r *rotating) {
			r.delivery.reasons = []deliver.Reason{{Name: "www.example.com", Err: errAway}}
		}, says: "www.example.com: it is away"},
		"a configuration with a mistake": {change: func(r *rotating) { r.delivery.broken = errors.New("web.conf:3: a mistake") }, says: "web.conf:3: a mistake"},
		"the certificate in place was not seen": {change: func(r *rotating) { r.panel.order.Params[itemparam.DeployedSerial] = "0a" },
			says: "the certificate in place was not seen on its servers"},
		"the panel has no key":      {change: func(r *rotating) { r.panel.key = "" }, says: "the panel does not hold the private key of its CSR"},
		"the panel has another key": {change: func(r *rotating) { r.panel.key = keyText(r.t, newPair(r.t, "example.com")) }, says: "the panel does not hold the private key of its CSR"},
		"a reissue was asked for before": {change: func(r *rotating) {
			r.panel.order.Params[itemparam.ReissueTried] = r.at.AddDate(0, 0, -2).Format(time.RFC3339) + " 1"
		}, says: "a reissue of this certificate was asked for before"},
		"the client has changed the names": {change: func(r *rotating) { r.panel.order.Params[itemparam.Requested] = "another" }, says: "the client has changed the request"},
		"a CSR that a CA would not certify anew": {change: func(r *rotating) {
			r.panel.order.CSR = pkitest.RequestPEM(r.t, r.pair.key, pkitest.Named("example.com."))
			delete(r.panel.order.Params, itemparam.Requested)
		}, says: "ends with a dot"},
		"a panel that does not keep the new CSR": {change: func(r *rotating) {
			r.panel.mangle = func(_, value string) string { return strings.ReplaceAll(value, `\n`, "") }
		}, says: "the panel did not keep the parameter rotated_csr as it was saved"},
		"a damaged file":        {change: func(r *rotating) { r.panel.pairsErr = fault.Errorf(fault.Panel, "keys", "the file is damaged") }, says: "the file is damaged"},
		"a file that cannot be": {change: func(r *rotating) { r.panel.fail["save keys"] = fault.Errorf(fault.Panel, "keys", "the disk is full") }, says: "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			r := rotatingFixture(t)
			c.change(r)
			old := r.panel.order.CSR
			doc, failed := r.sweep()
			require.False(t, failed, doc)
			require.Equal(t, 1, r.reissues(), "the reissue goes on: %v", r.log.lines)
			_, status := r.order()
			assert.Equal(t, old, status.CSR)
			assert.Nil(t, r.panel.pairs)
			assert.Empty(t, r.param(itemparam.RotatedCSR))
			assert.Contains(t, r.logged(), c.says)
			if c.says == "" {
				assert.NotContains(t, r.logged(), "its key stays the same")
				assert.Zero(t, r.panel.keyReads, "the key is read only if it is needed")
			}
		})
	}
}

// rules ROTATE-1: the client's own Reissue is for the CSR that he gave.
func TestTheClientsOwnReissueKeepsTheKey(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		for name, f := range map[string]item.Func{"reopen": command.Reopen, "setparam": command.SetParam} {
			t.Run(name, func(t *testing.T) {
				r := begin(t)
				if name == "setparam" {
					r.panel.order.Params[itemparam.Requested] = "another"
				}
				require.NoError(t, r.do(f, name))
				assert.Equal(t, 1, r.reissues())
				_, status := r.order()
				assert.Equal(t, r.panel.order.CSR, status.CSR)
				assert.Zero(t, r.panel.keyReads)
				assert.Nil(t, r.panel.pairs)
			})
		}
	})
}

// rules ROTATE-2, ROTATE-3: a run that is killed at any step loses neither key, and the next ones complete the change with the same key.
func TestAChangeOfTheKeyThatIsKilledIsCompleted(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		for n := 1; ; n++ {
			r := begin(t)
			before := r.panel.order.CSR
			reached := r.killed(n, func() {
				r.sweep()
				r.issue()
				r.sweep()
			})
			r.keysAreThere()
			step := fmt.Sprintf("killed before call %d, after %v", n, r.panel.calls)
			r.completes()
			require.NotEqual(t, before, r.panel.order.CSR, step)
			r.finished(1)
			require.Equal(t, 1, r.reissues(), step)
			require.Empty(t, r.panel.tasks, step)
			r.noKeyShown()
			if t.Failed() {
				t.Fatal(step)
			}
			if !reached {
				require.Greater(t, n, 20, "a rotated reissue has more steps")
				break
			}
		}
	})
}

// As before, but a call fails, and the run goes on as it can.
func TestAChangeOfTheKeyWithABrokenCallIsCompleted(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		for n := 1; ; n++ {
			r := begin(t)
			calls, broken := 0, ""
			r.panel.before = func(call string) {
				if calls++; calls == n {
					broken = call
					r.panel.fail[call] = fault.Errorf(fault.Panel, "", "broken").Retryable()
				}
			}
			r.sweep()
			r.issue()
			r.sweep()
			r.panel.before = nil
			r.keysAreThere()
			if broken == "" {
				break
			}
			r.completes()
			assert.LessOrEqual(t, len(r.panel.made), 2, broken) // one that no parameter named is not kept
			r.finished(len(r.panel.made))
			r.noKeyShown()
			if t.Failed() {
				t.Fatal(broken)
			}
		}
	})
}

// rules ROTATE-3: the answer is lost. The reissue is found by the new key, or asked for again with it.
func TestALostReissueForANewKeyIsFound(t *testing.T) {
	for name, reached := range map[string]bool{"it reached the seller": true, "it did not": false} {
		t.Run(name, func(t *testing.T) {
			r := rotatingFixture(t)
			r.seller.reissueErr, r.seller.reissueAnyway, r.seller.replacedLate = lost(), reached, true
			r.sweep()
			require.NotNil(t, r.panel.pairs)
			r.seller.reissueErr = nil
			r.sweeps(30 * time.Hour)
			r.finished(1)
			want := 2
			if reached {
				want = 1
			}
			assert.Equal(t, want, r.reissues())
		})
	}
}

// rules ROTATE-1: a reissue for the panel's key whose answer was lost is followed with that key.
func TestNoKeyIsMadeWhileAReissueIsUnderWay(t *testing.T) {
	r := rotatingFixture(t)
	delete(r.panel.settings, item.SettingRotateKey)
	r.seller.reissueErr, r.seller.reissueAnyway, r.seller.replacedLate = lost(), true, true
	r.seller.hidden[102] = true
	r.sweep()
	r.panel.settings[item.SettingRotateKey] = "on"
	r.seller.reissueErr = nil
	r.sweeps(30 * time.Hour)
	r.finished(0)
	assert.Equal(t, 1, r.reissues())
}

// rules ROTATE-5: a seller that refuses the new key gets the request for the former one in the same run, once for each certificate.
func TestASellerThatRefusesTheNewKeyGetsTheFormerOne(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		r := begin(t)
		r.refuseNewKeys(&fault.Error{Type: fault.API, Message: "the key must not change"})
		doc, failed := r.sweep()
		require.False(t, failed, doc)
		assert.Equal(t, 2, r.reissues())
		_, status := r.order()
		assert.Equal(t, r.panel.order.CSR, status.CSR)
		assert.Nil(t, r.panel.pairs)
		assert.Contains(t, r.logged(), "the new key for its reissue is given up")
		assert.Contains(t, r.logged(), "the key must not change")
		r.sweeps(30 * time.Hour)
		r.panel.made = nil
		r.finished(0)
		assert.Equal(t, 2, r.reissues())
		assert.Empty(t, r.panel.tasks)

		r.refuseNewKeys(nil)
		r.at = r.stored().Leaf.NotAfter.AddDate(0, 0, -9)
		r.sweeps(30 * time.Hour)
		r.finished(1)
	})
}

func TestASellerThatRefusesEveryReissueIsAskedWithTheNewKeyOnce(t *testing.T) {
	r := rotatingFixture(t)
	r.seller.refuses = func(string) error { return &fault.Error{Type: fault.API, Message: "not now"} }
	r.sweep()
	assert.Equal(t, 2, r.reissues())
	r.seller.refuses = nil
	r.sweeps(30 * time.Hour)
	r.panel.made = nil
	r.finished(0)
	assert.Equal(t, 3, r.reissues())
}

// rules ROTATE-5: the CA refuses later what the seller has taken.
func TestAReissueForANewKeyThatEndsIsNotRepeated(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		r := begin(t)
		r.sweep()
		r.asked()
		ended := func(s *seller.OrderStatus) { s.State, s.StatusText, s.CSR = seller.StateRefused, "refused", "" }
		if r.remote != nil {
			r.remote.change(500, ended)
		} else {
			r.seller.change(102, ended)
		}
		r.at = r.at.Add(time.Hour)
		r.sweep()
		assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
		assert.Equal(t, r.first, r.stored().Serial())
		assert.Nil(t, r.panel.pairs)
		assert.Contains(t, r.param(itemparam.RotatedCSR), `"gave_up":"ended"`)
		if r.remote == nil {
			return // an order that has ended cannot be reissued
		}
		r.sweeps(30 * time.Hour)
		r.panel.made = nil
		r.finished(0)
		assert.Equal(t, 2, r.reissues())
	})
}

// rules ROTATE-5: what the seller has taken comes to nothing in other ways: the old certificate is shown a day later, or the new one is
// of no use.
func TestAReissueForANewKeyThatFailsIsNotRepeated(t *testing.T) {
	t.Run("the old certificate stays", func(t *testing.T) {
		s := placedFixture(t, 60)
		s.at = time.Date(2026, 10, 8, 9, 0, 0, 0, time.UTC)
		r := rotatingOf(t, s)
		r.sweep()
		r.asked()
		r.remote.change(500, func(status *seller.OrderStatus) { status.State = seller.StateIssued })
		r.at = r.at.Add(25 * time.Hour)
		r.sweep()
		assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
		assert.Contains(t, r.param(itemparam.RotatedCSR), `"gave_up":"ended"`)
		r.sweeps(25 * time.Hour)
		r.panel.made = nil
		r.finished(0)
	})
	t.Run("the new one has ended", func(t *testing.T) {
		r := rotatingFixture(t)
		r.sweep()
		r.seller.issue(t, 102, r.pairOf(r.asked().PEM), r.at.AddDate(0, 0, -20), 10)
		r.at = r.at.Add(time.Hour)
		r.sweep()
		assert.Equal(t, r.first, r.stored().Serial())
		assert.Contains(t, r.param(itemparam.RotatedCSR), `"gave_up":"ended"`)
		r.sweeps(30 * time.Hour)
		r.panel.made = nil
		r.finished(0)
	})
}

// rules ROTATE-5: the client gives a CSR of his own while the reissue is under way.
func TestTheClientsOwnCSRGoesBeforeTheNewKey(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		for name, c := range map[string]struct{ issued, withoutKey bool }{
			"while it waits": {}, "when it is issued": {issued: true}, "without its key": {withoutKey: true},
		} {
			t.Run(name, func(t *testing.T) {
				r := begin(t)
				r.sweep()
				r.asked()
				if c.issued {
					r.issue()
				}
				own := newPair(t, "example.com")
				r.panel.order.CSR, r.panel.key = own.csr, keyText(t, own)
				if c.withoutKey {
					r.panel.key = ""
				}
				_ = r.do(command.Reopen, "reopen") // which may have to wait
				r.keysAreThere()
				for range 3 {
					r.at = r.at.Add(time.Hour)
					if _, status := r.order(); pki.CSRHash(status.CSR) != pki.CSRHash(own.csr) {
						r.issue()
					}
					r.sweep()
				}
				require.NoError(t, r.do(command.Reopen, "reopen"))
				_, status := r.order()
				require.Equal(t, own.csr, status.CSR)
				require.NotNil(t, r.panel.pairs, "the key of the certificate in place is nowhere else")
				r.pair = own
				for range 3 {
					r.issue()
					r.sweep()
					r.at = r.at.Add(time.Hour)
				}
				assert.Nil(t, r.panel.pairs)
				assert.Equal(t, own.csr, r.panel.order.CSR)
				if c.withoutKey {
					return
				}
				r.panel.made = nil
				r.finished(0)
			})
		}
	})
}

// A reissue that a killed run has only prepared is given up by the client's own.
func TestAKeyThatWasOnlyPreparedGivesWayToTheClientsReissue(t *testing.T) {
	for _, step := range []string{"save rotated_csr", "save reissue_of"} {
		t.Run(step, func(t *testing.T) {
			r := rotatingFixture(t)
			r.killed(1+indexOf(t, step), func() { r.sweep() })
			require.NotNil(t, r.panel.pairs)
			require.NoError(t, r.do(command.Reopen, "reopen"))
			_, status := r.order()
			assert.Equal(t, r.panel.order.CSR, status.CSR)
			r.sweeps(3 * time.Hour)
			r.panel.made = nil
			r.finished(0)
		})
	}
}

// indexOf returns at which call of a sweep a step is.
func indexOf(t *testing.T, step string) int {
	r := rotatingFixture(t)
	r.sweep()
	require.GreaterOrEqual(t, r.position(step), 0)
	return r.position(step)
}

// rules ROTATE-4: the panel's database does not take the pair. The certificate stays stored and is delivered with the key of the file;
// each sweep tries again, after a day with a task.
func TestAPanelThatDoesNotTakeTheKeyIsTriedAgain(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		r := begin(t)
		r.panel.closed = fault.Errorf(fault.DB, "certificate", "the table is read-only")
		r.sweep()
		csr := r.asked()
		r.issue()
		r.sweep()
		assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
		assert.True(t, csr.SameKey(r.stored().Leaf.PublicKey))
		assert.Equal(t, r.stored().Serial(), r.param(itemparam.DeployedSerial))
		require.NotEmpty(t, r.delivery.keys)
		_, fits := csr.FittingKey(r.delivery.keys[0])
		assert.True(t, fits, "the key of the file")
		require.NotNil(t, r.panel.pairs, "it is the only place of the new key")
		assert.Contains(t, r.logged(), "could not be put into the panel, the next sweep tries again: ")
		r.sweeps(23 * time.Hour)
		assert.Empty(t, r.panel.tasks)
		r.sweeps(2 * time.Hour)
		require.Len(t, r.panel.tasks, 1)
		assert.Contains(t, r.panel.texts[0], "the table is read-only")
		r.sweeps(24 * time.Hour)
		require.Len(t, r.panel.tasks, 1)
		assert.Greater(t, r.count("replace key"), 40)
		r.panel.closed = nil
		r.sweeps(time.Hour)
		r.finished(1)
		assert.Contains(t, r.panel.tasks[0], "closed")
		r.noKeyShown()
	})
}

// The next reissue is due, and the panel still has the former pair: the certificate's key stays until the panel has it.
func TestAReissueBeforeThePanelTookTheKeyKeepsIt(t *testing.T) {
	r := rotatingFixture(t)
	r.panel.closed = errAway
	r.sweeps(3 * time.Hour)
	csr := r.asked()
	r.at = r.stored().Leaf.NotAfter.AddDate(0, 0, -9)
	r.sweeps(3 * time.Hour)
	assert.Equal(t, 2, r.reissues())
	_, status := r.order()
	assert.Equal(t, csr.PEM, status.CSR)
	assert.True(t, csr.SameKey(r.stored().Leaf.PublicKey))
	require.NotNil(t, r.panel.pairs)
	r.panel.closed = nil
	r.sweeps(time.Hour)
	r.finished(1)
}

// rules ROTATE-4: the client changes the CSR after the certificate was stored and before the panel took the pair.
func TestACSRThatTheClientGivesIsNotReplaced(t *testing.T) {
	r := rotatingFixture(t)
	r.panel.closed = errAway
	r.sweeps(2 * time.Hour)
	own := newPair(t, "example.com")
	r.panel.order.CSR, r.panel.key, r.panel.closed = own.csr, keyText(t, own), nil
	r.at = r.at.Add(time.Hour)
	r.sweep()
	assert.Equal(t, own.csr, r.panel.order.CSR)
	assert.Empty(t, r.param(itemparam.RotatedCSR))
	require.NotNil(t, r.panel.pairs, "the key of the certificate in place is nowhere else")
	r.pair = own
	r.at = r.at.Add(25 * time.Hour)
	require.NoError(t, r.do(command.Reopen, "reopen"))
	r.sweeps(3 * time.Hour)
	r.panel.made = nil
	r.finished(0)
}

// rules ROTATE-6: the file is the only place of the key of the certificate in place, until the next certificate is stored.
func TestTheOnlyKeyStaysUntilTheNextCertificateIsStored(t *testing.T) {
	t.Run("the panel does not store it", func(t *testing.T) {
		r := rotatingFixture(t)
		r.panel.closed = errAway
		r.sweeps(2 * time.Hour)
		own := newPair(t, "example.com")
		r.panel.order.CSR, r.panel.key, r.panel.closed = own.csr, keyText(t, own), nil
		r.sweeps(time.Hour)
		r.pair = own
		r.at = r.at.Add(25 * time.Hour)
		require.NoError(t, r.do(command.Reopen, "reopen"))
		r.issue()
		r.panel.fail["certificate.save zip"] = fault.Errorf(fault.Panel, "certificate", "the disk is full").Retryable()
		require.Error(t, r.do(command.SyncItem, "sync_item"))
		r.keysAreThere()
		require.NoError(t, r.do(command.SyncItem, "sync_item"))
		assert.True(t, own.key.PublicKey.Equal(r.stored().Leaf.PublicKey))
		assert.Nil(t, r.panel.pairs, "it is replaced")
	})
	t.Run("it is for the same key", func(t *testing.T) {
		r := rotatingFixture(t)
		r.delivery.refuse["web7"] = errAway
		r.sweeps(2 * time.Hour)
		r.panel.key = "" // the client does not want it there
		r.at = r.at.Add(25 * time.Hour)
		require.NoError(t, r.do(command.Reopen, "reopen"))
		r.issue()
		require.NoError(t, r.do(command.SyncItem, "sync_item"))
		r.keysAreThere()
		delete(r.delivery.refuse, "web7")
		r.sweeps(time.Hour)
		_, fits := pki.FittingKey(r.delivery.keys[len(r.delivery.keys)-1], r.stored().Leaf)
		assert.True(t, fits, "the server gets the key")
	})
}

// rules ROTATE-6: as long as the new certificate was not seen, the former pair stays; at the latest until the next certificate.
func TestTheFormerPairStaysUntilTheNewCertificateIsSeen(t *testing.T) {
	r := rotatingFixture(t)
	r.delivery.refuse["web7"] = errAway
	r.sweeps(3 * time.Hour)
	assert.Equal(t, r.panel.made[0].Key, r.panel.key, "the panel has the new one")
	r.sweeps(60 * time.Hour)
	require.NotNil(t, r.panel.pairs)
	assert.Equal(t, keyText(t, r.pair), r.panel.pairs.Old.Key)
	require.Len(t, r.installMails(), 1)
	t.Run("seen", func(t *testing.T) {
		r.delivery.served["web7"] = r.stored().Serial()
		pairs := *r.panel.pairs
		r.sweeps(25 * time.Hour)
		r.mailer.notices = nil
		r.finished(1)
		r.panel.pairs = &pairs
	})
	t.Run("replaced", func(t *testing.T) {
		r.panel.order.Params[itemparam.DeployedSerial] = r.first
		r.at = r.at.Add(25 * time.Hour)
		require.NoError(t, r.do(command.Reopen, "reopen"))
		r.issue()
		require.NoError(t, r.do(command.SyncItem, "sync_item"))
		assert.Nil(t, r.panel.pairs)
		assert.Equal(t, r.panel.made[0].Key, r.panel.key)
	})
}

func TestAClosedItemLeavesNoKeys(t *testing.T) {
	t.Run("close", func(t *testing.T) {
		r := rotatingFixture(t)
		r.sweep()
		require.NotNil(t, r.panel.pairs)
		require.NoError(t, r.do(command.Close, "close"))
		assert.Nil(t, r.panel.pairs)
		assert.Empty(t, r.param(itemparam.RotatedCSR))
	})
	t.Run("close, the file cannot be removed", func(t *testing.T) {
		r := rotatingFixture(t)
		r.sweep()
		r.panel.fail["remove keys"] = fault.Errorf(fault.Panel, "keys", "the disk fails")
		require.NoError(t, r.do(command.Close, "close"))
		require.NotEmpty(t, r.panel.texts)
		assert.Contains(t, r.panel.texts[0], "the disk fails")
	})
	t.Run("deleted", func(t *testing.T) {
		r := rotatingFixture(t)
		r.sweep()
		r.panel.order.Status = item.ItemDeleted
		r.sweep()
		assert.Nil(t, r.panel.pairs)
		assert.Empty(t, r.param(itemparam.RotatedCSR))
	})
	t.Run("another module's", func(t *testing.T) {
		r := rotatingFixture(t)
		r.sweep()
		r.panel.order.Status, r.panel.order.Binary = item.ItemDeleted, "pmother"
		r.sweep()
		assert.NotNil(t, r.panel.pairs)
	})
}

// rules ROTATE-5: without its private key the certificate is of no use. The one in place stays, and the next reissue is for its key.
func TestACertificateWhoseKeyIsLostIsNotStored(t *testing.T) {
	eachReissuer(t, func(t *testing.T, begin func(t *testing.T) *rotating) {
		for name, spoil := range map[string]func(p *fakePanel){
			"the file is gone": func(p *fakePanel) { p.pairs = nil },
			"it is damaged":    func(p *fakePanel) { p.pairsErr = fault.Errorf(fault.Panel, "keys", "the file is damaged") },
		} {
			t.Run(name, func(t *testing.T) {
				r := begin(t)
				r.sweep()
				r.asked()
				spoil(r.panel)
				r.issue()
				doc, failed := r.sweep()
				require.False(t, failed, doc)
				assert.Equal(t, r.first, r.stored().Serial())
				assert.Equal(t, "4", r.param(itemparam.ServiceStatus), "the file may come back")
				assert.Contains(t, r.logged(), "the new key that its certificates were requested with is not used: ")
				r.sweeps(30 * time.Hour)
				assert.NotEqual(t, r.first, r.stored().Serial(), r.logged())
				assert.Equal(t, 2, r.reissues())
				assert.Equal(t, r.pair.csr, r.panel.order.CSR)
				assert.Equal(t, r.stored().Serial(), r.delivery.served["web7"])
			})
		}
		t.Run("it cannot be read for an hour", func(t *testing.T) {
			r := begin(t)
			r.sweep()
			r.asked()
			r.panel.pairsErr = fault.Errorf(fault.Panel, "keys", "the disk fails")
			r.issue()
			r.sweep()
			require.Equal(t, r.first, r.stored().Serial())
			r.panel.pairsErr = nil
			r.sweeps(30 * time.Hour)
			r.finished(1)
			assert.Equal(t, 1, r.reissues())
		})
	})
}

// rules PARAM-37: a parameter that somebody edited is none.
func TestARotatedCSRThatCannotBeReadIsIgnored(t *testing.T) {
	for name, value := range map[string]string{"no JSON": "x", "another CSR": "", "empty": "{}"} {
		t.Run(name, func(t *testing.T) {
			r := rotatingFixture(t)
			if name == "another CSR" {
				r.sweep()
				other := newPair(t, "example.com").csr
				value = fmt.Sprintf(`{"from":%q,"csr":%q,"key":"00","serial":%q}`, pki.CSRHash(r.pair.csr), other, r.first)
			}
			r.panel.order.Params[itemparam.RotatedCSR] = value
			doc, failed := r.sweep()
			if name != "another CSR" {
				require.False(t, failed, doc)
				r.asked()
				return
			}
			require.Equal(t, 1, r.reissues())
			assert.Equal(t, r.first, r.stored().Serial())
		})
	}
}

// rules ROTATE-5: a later reissue for the panel's CSR that has no answer yet is not forgotten because of the former one.
func TestACertificateForAKeyThatWasGivenUpIsNoAnswer(t *testing.T) {
	r := rotatingFixture(t)
	r.sweep()
	r.asked()
	r.panel.pairs = nil
	r.issue()
	r.at = r.at.Add(25 * time.Hour)
	r.sweep()
	require.Equal(t, "5", r.param(itemparam.ServiceStatus))
	require.Empty(t, r.param(itemparam.ReissueOf))
	r.seller.reissueErr = lost()
	r.at = r.at.Add(time.Hour)
	r.sweep()
	require.Equal(t, 2, r.reissues())
	require.NotEmpty(t, r.param(itemparam.ReissueOf))
	require.NoError(t, r.do(command.SyncItem, "sync_item"))
	assert.NotEmpty(t, r.param(itemparam.ReissueOf), "the reissue without an answer")
	assert.Equal(t, "5", r.param(itemparam.ServiceStatus))
}

// rules ROTATE-5: the answer is lost, and the file with the key then too. The order is the item's own all the same.
func TestALostReissueWhoseKeyIsLostIsFollowed(t *testing.T) {
	for name, late := range map[string]bool{"replaced at once": false, "replaced later": true} {
		t.Run(name, func(t *testing.T) {
			r := rotatingFixture(t)
			r.seller.replacedLate = late
			require.True(t, r.killed(1+indexOf(t, "save custom_order_id"), func() { r.sweep() }))
			require.Equal(t, 1, r.reissues())
			require.NotEmpty(t, r.param(itemparam.ReissueOf))
			r.panel.pairs = nil
			r.sweeps(60 * time.Hour)
			assert.Equal(t, 2, r.reissues())
			assert.NotEqual(t, r.first, r.stored().Serial(), r.logged())
			r.panel.made = nil
			r.finished(0)
		})
	}
}

// The client changes the names while the reissue for a new key is under way: that one ends as any other, and his own is for his CSR.
func TestNamesThatChangeWhileAKeyIsChanged(t *testing.T) {
	r := rotatingOf(t, namesFixture(t))
	r.at = r.stored().Leaf.NotAfter.AddDate(0, 0, -9)
	r.delivery.targets[0].Sites = []string{"a.example.com", "b.example.com", "c.example.com", "example.com", "www.example.com"}
	r.sweep()
	r.asked()
	r.panel.order.Params[itemparam.AltName], r.panel.order.Params[itemparam.OldAltName] = "a.example.com c.example.com", "a.example.com b.example.com"
	err := r.do(command.Reopen, "reopen")
	require.ErrorContains(t, err, "a reissue for other names is running")
	r.seller.issueNames(t, 102, r.pairOf(r.seller.statuses[102].CSR), r.at, 199, "a.example.com", "b.example.com")
	r.at = r.at.Add(time.Hour)
	_, failed := r.sweep()
	require.False(t, failed, r.log.lines)
	assert.Equal(t, r.first, r.stored().Serial())
	assert.NotContains(t, r.logged(), "put the file back", "the key is there")
	require.NoError(t, r.do(command.Reopen, "reopen"))
	_, status := r.order()
	assert.Equal(t, r.panel.order.CSR, status.CSR)
	r.seller.issueNames(t, 103, r.pair, r.at, 199, "a.example.com", "c.example.com")
	r.at = r.at.Add(time.Hour)
	r.sweep()
	r.panel.made = nil
	r.finished(0)
}

// A key that others know is never certified again (lifecycle.RotateKeyOnly).
func TestAReissueThatNeedsANewKeyIsForNoOther(t *testing.T) {
	ask := func(r *rotating) error {
		r.args = item.Args{Command: "reopen", Item: 42}
		order, err := lifecycle.Begin(r.ctx, r.env())
		require.NoError(r.t, err)
		order.Rotation = lifecycle.RotateKeyOnly
		_, err = order.Reissue(r.ctx, "reopen")
		return err
	}
	t.Run("possible", func(t *testing.T) {
		r := rotatingFixture(t)
		delete(r.panel.settings, item.SettingRotateKey)
		r.panel.order.Params[itemparam.ReissueTried] = r.at.AddDate(0, 0, -2).Format(time.RFC3339) + " 1"
		require.NoError(t, ask(r))
		r.asked()
		r.sweeps(3 * time.Hour)
		r.finished(1)
	})
	t.Run("not possible", func(t *testing.T) {
		r := rotatingFixture(t)
		r.panel.key = ""
		err := ask(r)
		require.ErrorIs(t, err, lifecycle.ErrKeyKept)
		assert.ErrorContains(t, err, "the panel does not hold the private key of its CSR")
		assert.Zero(t, r.reissues())
		assert.Empty(t, r.param(itemparam.ReissueOf))
	})
	t.Run("another one has no answer", func(t *testing.T) {
		r := rotatingFixture(t)
		r.panel.order.Params[itemparam.ReissueOf] = fmt.Sprintf(`{"id":101,"request":"aa","serial":%q}`, r.first)
		require.ErrorContains(t, ask(r), "a reissue has no answer yet")
		assert.Zero(t, r.reissues())
	})
	t.Run("refused", func(t *testing.T) {
		r := rotatingFixture(t)
		r.refuseNewKeys(&fault.Error{Type: fault.API, Message: "the key must not change"})
		require.ErrorContains(t, ask(r), "the key must not change")
		assert.Equal(t, 1, r.reissues())
		require.ErrorIs(t, ask(r), lifecycle.ErrKeyKept)
		assert.Equal(t, 1, r.reissues())
	})
}
