package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pmssl/internal/command"
	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/publish"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rules DELIVER-2, DELIVER-3: a certificate that is issued is delivered in the same run, each step after the one that a crash needs.
func TestAStoredCertificateIsDelivered(t *testing.T) {
	d := deliveringFixture(t)
	doc, failed := d.sweep(t)
	require.False(t, failed, doc)
	d.deployed(t)
	assert.Empty(t, d.mailer.notices)
	assert.Empty(t, d.panel.tasks)
	assert.Equal(t, []string{"example.com", "www.example.com"}, d.delivery.names)
	order := []string{
		"certificate.save", "save certificate_serial", "save delivery={", "certificate.open", "setstatus 5", "targets", "see web7", "deliver web7",
		"save deployed_serial=", "drop delivery",
	}
	for i, step := range order[1:] {
		assert.Less(t, d.position(order[i]), d.position(step), "%s before %s: %v", order[i], step, d.panel.calls)
	}
	assert.Equal(t, 1, d.count("deliver "))
	assert.Equal(t, 2, d.count("see "), "before and after")

	d.panel.calls = nil
	d.sweeps(t, 5*time.Hour)
	assert.Empty(t, d.panel.calls, "then nothing is done any more")
}

func TestWhereNothingIsDeliveredNothingIsAskedOfThePanel(t *testing.T) {
	for name, change := range map[string]func(d *delivering){
		"no deploy block":           func(d *delivering) { d.delivery.configured = false },
		"none for this item":        func(d *delivering) { d.delivery.impossible = true },
		"SSLUnattended is off":      func(d *delivering) { d.delivery.mode = publish.Off },
		"a program without the key": func(d *delivering) { d.delivery = nil },
	} {
		t.Run(name, func(t *testing.T) {
			d := deliveringFixture(t)
			change(d)
			if d.delivery == nil {
				_, _ = d.publishing.sweep(t)
			} else {
				d.sweep(t)
				d.sweeps(t, 3*time.Hour)
			}
			assert.Equal(t, "5", d.param(itemparam.ServiceStatus))
			for _, call := range d.panel.calls {
				assert.NotContains(t, call, "deliver")
				assert.NotContains(t, call, "deployed")
				assert.NotContains(t, call, "targets")
			}
		})
	}
}

func TestDryLogsWhereACertificateWouldGo(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.mode = publish.Dry
	d.delivery.reasons = []deliver.Reason{{Name: "www.example.com", Err: deliver.ErrNoBlock}}
	d.sweep(t)
	assert.Equal(t, 1, d.count("targets"))
	assert.Contains(t, strings.Join(d.log.lines, "\n"), "would not be delivered to www.example.com: no deploy block serves it")
	assert.Zero(t, d.count("deliver "))
	assert.Empty(t, d.param(itemparam.Delivery))
	d.at = d.at.Add(time.Hour)
	d.sweep(t)
	assert.Equal(t, 1, d.count("targets"), "a sweep shows what was stored, not all items")
	d.sweep(t, func(run *item.Run) { run.Args.Item = 42 })
	assert.Equal(t, 2, d.count("targets"), "one that is named is shown")
	assert.Zero(t, d.count("deliver "))
}

// rules DELIVER-3: open, reopen and sync_item deliver too.
func TestCommandsForOneItemDeliver(t *testing.T) {
	t.Run("sync_item", func(t *testing.T) {
		d := deliveringFixture(t)
		require.NoError(t, d.do(command.SyncItem, "sync_item"))
		d.deployed(t)
	})
	for name, f := range map[string]item.Func{"open": command.Open, "reopen": command.Reopen} {
		t.Run(name, func(t *testing.T) {
			p := publishingOf(t, newFixture(t))
			if name == "reopen" {
				p = publishingFixture(t, 10)
			}
			p.asked.then = func() { p.issue(t) }
			d := &delivering{publishing: p}
			d.delivery = &fakeDelivery{t: t, panel: p.panel, mode: publish.On, configured: true, served: map[string]string{}, pending: map[string]string{},
				targets: []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}}
			require.NoError(t, d.do(f, name))
			d.deployed(t)
		})
	}
}

// A web server that loads its certificates a little later is waited for.
func TestAServerThatReloadsSlowlyIsLookedAtAgain(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.slow = 2
	began := d.at
	d.sweep(t)
	d.deployed(t)
	assert.Equal(t, 1, d.count("deliver "))
	assert.Equal(t, 6*time.Second, d.at.Sub(began))

	d = deliveringFixture(t)
	d.delivery.slow = 3
	d.sweep(t)
	assert.Equal(t, 1, d.delivery.state().Tries)
	d.sweeps(t, time.Hour)
	d.deployed(t)
	assert.Equal(t, 1, d.count("deliver "), "it is looked at before it is delivered again")
}

func TestACertificateThatIsThereAlreadyIsNotDelivered(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	d.panel.order.Params[itemparam.Delivery] = fmt.Sprintf(`{"serial":%q,"since":"2026-10-08T09:00:00Z","tries":0}`, d.serial(t))
	delete(d.panel.order.Params, itemparam.DeployedSerial)
	d.panel.calls = nil
	d.sweep(t)
	d.deployed(t)
	assert.Zero(t, d.count("deliver "))
}

// docs/reference/unattended.md §7: six tries, and each sweep looks.
func TestWhenADeliveryIsTried(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.refuse["web7"] = errors.New("it is away")
	began := d.at
	var tried []time.Duration
	looks := 0
	d.panel.before = func(call string) {
		switch {
		case strings.HasPrefix(call, "deliver "):
			tried = append(tried, d.at.Sub(began))
		case strings.HasPrefix(call, "see "):
			looks++
		}
	}
	d.sweep(t)
	for d.at.Sub(began) < 47*time.Hour {
		d.at = d.at.Add(5 * time.Minute)
		d.sweep(t)
	}
	want := []time.Duration{0, 10 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 24 * time.Hour}
	require.Len(t, tried, len(want))
	for i, pause := range want[1:] {
		assert.InDelta(t, pause, tried[i+1]-tried[i], float64(5*time.Minute), "try %d", i+2)
	}
	assert.Greater(t, looks, 500)
	assert.Empty(t, d.mailer.notices)
	assert.Empty(t, d.panel.tasks)
	assert.Contains(t, d.delivery.state().Why, "it is away", "looks without news do not hide why")
	assert.Equal(t, 1+2*len(want), d.count("save delivery="), "nor are they written down")
}

// rules DELIVER-4: after two days the administrator gets a task and the client a mail, each once; looks and tries go on daily.
func TestAfterTwoDaysAPersonIsTold(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.refuse["web7"] = errors.New("it is away")
	d.sweep(t)
	d.sweeps(t, 47*time.Hour)
	assert.Empty(t, d.mailer.notices)
	d.sweeps(t, time.Hour)
	require.Len(t, d.mailer.notices, 1)
	assert.Equal(t, item.NoticeInstall, d.mailer.notices[0].Kind)
	assert.Equal(t, d.serial(t), d.mailer.notices[0].Serial)
	require.Len(t, d.panel.texts, 1)
	assert.Contains(t, d.panel.texts[0], "its certificate "+d.serial(t)+" is stored since 2026-10-08T09:00:00Z and not on all of its servers: ")
	assert.Contains(t, d.panel.texts[0], "it is away")
	assert.NotEqual(t, d.serial(t), d.param(itemparam.NotifiedSerial), "the mail about its end is still to come")
	d.panel.calls = nil
	d.sweeps(t, 72*time.Hour)
	assert.Equal(t, 3, d.count("see "), "daily")
	assert.Equal(t, 3, d.count("deliver "), "daily")
	assert.Len(t, d.mailer.notices, 1)
	assert.Equal(t, 1, d.openTasks())

	delete(d.delivery.refuse, "web7") // somebody repaired the server
	d.sweeps(t, 25*time.Hour)
	d.deployed(t)
	assert.Zero(t, d.openTasks(), "the task closes by itself")
	assert.Len(t, d.mailer.notices, 1)
}

// rules DELIVER-4: a certificate that is installed by hand is seen.
func TestACertificateThatIsInstalledByHandEndsTheDelivery(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.refuse["web7"] = errors.New("it is away")
	d.sweeps(t, 49*time.Hour)
	require.Equal(t, 1, d.openTasks())
	d.delivery.served["web7"] = d.serial(t)
	d.panel.calls = nil
	d.sweeps(t, 25*time.Hour)
	d.deployed(t)
	assert.Zero(t, d.count("deliver "))
	assert.Zero(t, d.openTasks())
}

// rules DELIVER-3: after the first two days a certificate that is neither an earlier one nor expired is left on its server: it may be
// there on purpose.
func TestAnotherCertificateIsLeftOnItsServer(t *testing.T) {
	late := func(t *testing.T) *delivering {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweeps(t, 49*time.Hour)
		delete(d.delivery.refuse, "web7")
		d.panel.calls = nil
		return d
	}
	t.Run("which is valid", func(t *testing.T) {
		d := late(t)
		d.delivery.served["web7"] = "ace0ace0"
		d.sweeps(t, 72*time.Hour)
		assert.Zero(t, d.count("deliver "))
		assert.Equal(t, 3, d.count("see "), "daily")
		assert.Contains(t, d.delivery.state().Why, "shows certificate ace0ace0")
		d.delivery.served["web7"] = d.former
		d.sweeps(t, 25*time.Hour)
		d.deployed(t)
	})
	t.Run("which has expired", func(t *testing.T) {
		d := late(t)
		d.delivery.served["web7"], d.delivery.ends = "ace0ace0", d.at
		d.sweeps(t, 25*time.Hour)
		d.deployed(t)
	})
	t.Run("unless the server shows none", func(t *testing.T) {
		d := late(t)
		delete(d.delivery.served, "web7")
		d.sweeps(t, 25*time.Hour)
		d.deployed(t)
	})
	t.Run("beside another server", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.targets = append(d.delivery.targets, deliver.Target{Block: "lb1", Sites: []string{"example.com"}})
		d.delivery.refuse["web7"], d.delivery.refuse["lb1"] = errors.New("it is away"), errors.New("it is away")
		d.sweeps(t, 49*time.Hour)
		d.delivery.refuse, d.delivery.served["web7"] = map[string]error{}, "ace0ace0"
		d.panel.calls = nil
		d.sweeps(t, 25*time.Hour)
		assert.Equal(t, d.serial(t), d.delivery.served["lb1"])
		assert.Equal(t, "ace0ace0", d.delivery.served["web7"])
		assert.Contains(t, d.delivery.state().Why, "its server shows another certificate, which is left there")
		d.sweeps(t, 72*time.Hour)
		assert.Equal(t, 1, d.count("deliver "))
	})
	t.Run("beside a server that had no turn", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.targets = append(d.delivery.targets, deliver.Target{Block: "lb1", Sites: []string{"example.com"}})
		d.delivery.refuse["web7"], d.delivery.refuse["lb1"] = errors.New("it is away"), errors.New("it is away")
		d.sweeps(t, 49*time.Hour)
		tries := d.delivery.state().Tries
		d.delivery.served["web7"], d.delivery.refuse["lb1"] = "ace0ace0", fmt.Errorf("its panel did not answer twice: %w", publish.ErrNotAsked)
		d.sweeps(t, 25*time.Hour)
		assert.Equal(t, tries, d.delivery.state().Tries, "no try is lost")
		d.delivery.refuse = map[string]error{}
		d.sweeps(t, time.Hour)
		assert.Equal(t, d.serial(t), d.delivery.served["lb1"], "the next sweep tries again, not that of the next day")
		assert.Equal(t, "ace0ace0", d.delivery.served["web7"])
	})
}

// rules DELIVER-4: what cannot be delivered in this way is told at once.
func TestWhatHasToBeDoneByHandIsToldAtOnce(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.refuse["web7"] = fmt.Errorf("the panel has no entry: %w", deliver.ErrByHand)
	doc, failed := d.sweep(t)
	require.False(t, failed)
	assert.Equal(t, 1, d.openTasks())
	require.Len(t, d.mailer.notices, 1)
	assert.Equal(t, item.NoticeInstall, d.mailer.notices[0].Kind)
	d.sweeps(t, 100*time.Hour)
	assert.Equal(t, 5, d.count("deliver "), "daily: %s", doc)
	assert.Len(t, d.mailer.notices, 1)
	assert.Equal(t, 1, d.openTasks())

	t.Run("until somebody adds what is missing", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = deliver.ErrByHand
		d.sweep(t)
		d.sweeps(t, 5*time.Hour)
		delete(d.delivery.refuse, "web7")
		d.sweeps(t, 18*time.Hour)
		assert.Equal(t, 1, d.count("deliver "))
		d.sweeps(t, 2*time.Hour)
		d.deployed(t)
		assert.Zero(t, d.openTasks())
	})
	t.Run("the next certificate begins anew", func(t *testing.T) {
		task := d.panel.tasks[0]
		d.at = d.at.Add(25 * time.Hour)
		require.NoError(t, d.do(command.Reopen, "reopen"))
		d.issue(t)
		d.sweep(t)
		assert.Equal(t, d.serial(t), d.delivery.state().Serial)
		assert.Equal(t, task, d.panel.tasks[0], "one task is enough")
		d.sweeps(t, 25*time.Hour)
		assert.Len(t, d.mailer.notices, 2)
		d.delivery.served["web7"] = d.serial(t)
		d.sweeps(t, 25*time.Hour)
		d.deployed(t)
		assert.Zero(t, d.openTasks())
	})
}

// Of two servers one cannot be delivered to: the other one is tried on.
func TestOneServerDoesNotKeepTheOtherFromTheCertificate(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.targets = append(d.delivery.targets, deliver.Target{Block: "lb1", Sites: []string{"example.com"}})
	d.delivery.refuse["web7"] = deliver.ErrByHand
	d.delivery.refuse["lb1"] = errors.New("it is away")
	d.sweep(t)
	assert.Equal(t, 1, d.openTasks())
	delete(d.delivery.refuse, "lb1")
	d.sweeps(t, time.Hour)
	assert.Equal(t, d.serial(t), d.delivery.served["lb1"])
	assert.Equal(t, []string{"lb1"}, d.delivery.state().Done)
	assert.Len(t, d.mailer.notices, 1)
	assert.Empty(t, d.param(itemparam.DeployedSerial), "not everywhere")
	d.delivery.served["web7"] = d.serial(t)
	d.sweeps(t, 25*time.Hour)
	d.deployed(t)
}

func TestNamesThatNobodyServesAreTheClients(t *testing.T) {
	lasting := []deliver.Reason{{Name: "www.example.com", Err: fmt.Errorf("%w: none", deliver.ErrNoBlock)}}
	t.Run("some", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.reasons = lasting
		d.sweep(t)
		d.deployed(t)
		assert.Contains(t, strings.Join(d.log.lines, "\n"), "is the client's to install for some of its names: www.example.com: no deploy block serves it: none")
	})
	t.Run("all", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.targets, d.delivery.reasons = nil, lasting
		d.sweep(t)
		assert.Empty(t, d.param(itemparam.Delivery))
		assert.Empty(t, d.param(itemparam.DeployedSerial))
		d.sweeps(t, 72*time.Hour)
		assert.Empty(t, d.mailer.notices)
		assert.Empty(t, d.panel.tasks)
	})
	t.Run("it is not clear", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: errors.New("the panel does not answer")}, lasting[0]}
		d.sweep(t)
		assert.Equal(t, 1, d.delivery.state().Tries)
		assert.Contains(t, d.delivery.state().Why, "example.com: the panel does not answer")
		d.delivery.targets, d.delivery.reasons = []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}, nil
		d.sweeps(t, time.Hour)
		d.deployed(t)
	})
	t.Run("not clear, beside a server that has it", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.reasons = []deliver.Reason{{Name: "www.example.com", Err: errors.New("web8 does not answer")}}
		d.sweep(t)
		assert.Equal(t, d.serial(t), d.delivery.served["web7"])
		d.sweeps(t, 47*time.Hour)
		assert.Empty(t, d.param(itemparam.DeployedSerial), "web8 may have the site too")
		assert.Equal(t, 1, d.count("deliver "))
		assert.Equal(t, 6, d.count("targets"))
		d.sweeps(t, time.Hour)
		assert.Equal(t, 1, d.openTasks())
	})
}

// rules DELIVER-3: evidence that is missing for a while may come back; if it does not, nobody is told.
func TestEvidenceThatIsMissingMayComeBack(t *testing.T) {
	without := func(t *testing.T) *delivering {
		d := deliveringFixture(t)
		d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "www.example.com", Err: deliver.ErrNoBlock}, {Name: "example.com", Err: publish.ErrNotOwner}}
		d.sweep(t)
		return d
	}
	t.Run("it does", func(t *testing.T) {
		d := without(t)
		d.sweeps(t, 6*time.Hour)
		d.delivery.targets, d.delivery.reasons = []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}, nil
		d.sweeps(t, 18*time.Hour)
		d.deployed(t)
	})
	t.Run("it does not", func(t *testing.T) {
		d := without(t)
		assert.Contains(t, d.delivery.state().Why, "example.com: ")
		d.panel.calls = nil
		d.sweeps(t, 72*time.Hour)
		assert.Equal(t, 5, d.count("targets"), "six tries in all")
		assert.Equal(t, 5, d.count("save delivery="), "nothing is saved in between")
		assert.Empty(t, d.param(itemparam.Delivery))
		assert.Empty(t, d.param(itemparam.DeployedSerial))
		assert.Empty(t, d.mailer.notices)
		assert.Empty(t, d.panel.tasks)
	})
	t.Run("while the certificate is on its way", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweep(t)
		targets := d.delivery.targets
		d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: publish.ErrNotOwner}}
		d.sweeps(t, time.Hour)
		assert.NotEmpty(t, d.param(itemparam.Delivery))
		d.delivery.targets, d.delivery.reasons = targets, nil
		delete(d.delivery.refuse, "web7")
		d.sweeps(t, 24*time.Hour)
		d.deployed(t)
	})
}

// The block of a server may be renamed, or removed, while a certificate is on its way.
func TestABlockThatIsGoneIsNotWaitedFor(t *testing.T) {
	gone := func(d *delivering) {
		d.panel.before = func(call string) {
			if call == "see web7" {
				d.panel.fail[call] = fmt.Errorf("%w: no deploy web7 stands there any more", deliver.ErrNoBlock)
			}
		}
	}
	t.Run("renamed", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweep(t)
		gone(d)
		d.delivery.targets = []deliver.Target{{Block: "lb1", Sites: []string{"example.com"}}}
		d.sweeps(t, time.Hour)
		d.deployed(t)
	})
	t.Run("removed", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweep(t)
		gone(d)
		d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: deliver.ErrNoBlock}}
		d.sweeps(t, time.Hour)
		assert.Empty(t, d.param(itemparam.Delivery))
	})
	t.Run("removed after the tries", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweep(t)
		d.sweeps(t, 49*time.Hour)
		require.Equal(t, 1, d.openTasks())
		gone(d)
		d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: deliver.ErrNoBlock}}
		d.sweeps(t, 25*time.Hour)
		assert.Empty(t, d.param(itemparam.Delivery))
		assert.Zero(t, d.openTasks())
		assert.Empty(t, d.param(itemparam.DeployedSerial))
	})
}

// A configuration with a mistake, or a database that does not answer, is tried on as a server that is away.
func TestTroubleOfThePanelIsTriedOn(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.broken = fault.Errorf(fault.DB, "item", "the database is away").Retryable()
	_, failed := d.sweep(t)
	assert.False(t, failed, "the certificate is stored")
	assert.Contains(t, d.delivery.state().Why, "the database is away")
	d.delivery.broken = nil
	d.sweeps(t, time.Hour)
	d.deployed(t)
}

// rules DELIVER-2: a run that is ended at any step is repeated, without a second mail.
func TestADeliveryThatIsInterruptedIsRepeated(t *testing.T) {
	whole := deliveringFixture(t)
	whole.sweep(t)
	for n, call := range whole.panel.calls {
		name := fmt.Sprintf("%d %s", n, strings.Fields(strings.ReplaceAll(call, "=", " "))[0])
		t.Run(name+" fails", func(t *testing.T) {
			d := deliveringFixture(t)
			calls := 0
			d.panel.before = func(call string) {
				if calls++; calls == n+1 {
					d.panel.fail[call] = fault.Errorf(fault.Panel, "", "broken").Retryable()
				}
			}
			d.sweep(t)
			d.panel.before = nil
			d.sweeps(t, 3*time.Hour)
			d.deployed(t)
			assert.Empty(t, d.mailer.notices)
		})
		t.Run(name+" is the last", func(t *testing.T) {
			d := deliveringFixture(t)
			d.endedSweep(t, n)
			d.sweeps(t, 3*time.Hour)
			d.deployed(t)
			assert.Empty(t, d.mailer.notices)
			assert.Empty(t, d.panel.tasks)
		})
	}
}

// endedSweep is a sweep whose run ends after n call-backs: every further one fails.
func (d *delivering) endedSweep(t *testing.T, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls := 0
	d.panel.before = func(call string) {
		if calls++; calls > n {
			cancel()
			d.panel.fail[call] = ctx.Err()
		}
	}
	d.args = item.Args{Command: "subscription"}
	_, _ = command.Subscription(ctx, d.env())
	d.panel.before, d.panel.fail = nil, map[string]error{}
}

// A run that is killed while it tells the client does not write twice.
func TestThereIsOneMailWhateverEndsTheRun(t *testing.T) {
	steps := func(d *delivering) []string {
		d.delivery.refuse["web7"] = deliver.ErrByHand
		require.NoError(t, d.do(command.SyncItem, "sync_item"))
		d.panel.calls = nil
		d.at = d.at.Add(time.Hour)
		d.sweep(t)
		return d.panel.calls
	}
	for n, call := range steps(deliveringFixture(t)) {
		t.Run(fmt.Sprintf("%d %s", n, call[:min(len(call), 30)]), func(t *testing.T) {
			d := deliveringFixture(t)
			d.delivery.refuse["web7"] = deliver.ErrByHand
			require.NoError(t, d.do(command.SyncItem, "sync_item"))
			d.at = d.at.Add(time.Hour)
			d.endedSweep(t, n)
			d.sweeps(t, 72*time.Hour)
			assert.LessOrEqual(t, len(d.mailer.notices), 1)
			assert.Equal(t, 1, d.openTasks())
		})
	}
}

func TestMailsOfADeliveryKeepTheRulesOfMails(t *testing.T) {
	waiting := func(t *testing.T) *delivering {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = deliver.ErrByHand
		require.NoError(t, d.do(command.SyncItem, "sync_item"))
		d.at = d.at.Add(time.Hour)
		return d
	}
	t.Run("without a sender there is only the task", func(t *testing.T) {
		d := waiting(t)
		delete(d.panel.settings, item.SettingMailFrom)
		_, failed := d.sweep(t)
		assert.False(t, failed)
		assert.Zero(t, d.mailer.tried)
		assert.Equal(t, 1, d.openTasks())
	})
	t.Run("with the policy none too", func(t *testing.T) {
		d := waiting(t)
		d.panel.settings["SSLSubscriptionPolicy"] = "none"
		d.sweep(t)
		assert.Zero(t, d.mailer.tried)
	})
	t.Run("one mail a day", func(t *testing.T) {
		d := waiting(t)
		d.panel.order.Params["told_on"] = "2026-10-08"
		doc, _ := d.sweep(t)
		assert.Contains(t, doc, `reason="told today"`)
		assert.Empty(t, d.mailer.notices)
		d.sweeps(t, 24*time.Hour)
		assert.Len(t, d.mailer.notices, 1)
	})
	t.Run("a transport that fails is tried again", func(t *testing.T) {
		d := waiting(t)
		d.mailer.err = fault.Errorf(fault.Client, fault.ObjectMail, "this server has no mail transfer agent").Retryable()
		_, failed := d.sweep(t)
		assert.True(t, failed)
		d.mailer.err = nil
		d.sweeps(t, 24*time.Hour)
		assert.Len(t, d.mailer.notices, 1)
	})
	t.Run("an account without a user is not tried again either", func(t *testing.T) {
		d := waiting(t)
		d.panel.client = item.Recipient{}
		_, failed := d.sweep(t)
		assert.True(t, failed)
		d.panel.calls = nil
		_, failed = d.sweep(t)
		assert.False(t, failed)
		assert.NotContains(t, strings.Join(d.panel.calls, "\n"), "save "+itemparam.Delivery)
	})
	t.Run("not if the watch was first", func(t *testing.T) {
		d := waiting(t)
		d.panel.order.Params[itemparam.SiteWatch] = fmt.Sprintf(`{"outcome":"old","since":"2026-10-08T09:00:00Z","serial":%q,"mailed":["2026-10-07"]}`, d.serial(t))
		d.sweeps(t, 72*time.Hour)
		assert.Zero(t, d.mailer.tried)
		assert.Equal(t, "2026-10-07", d.delivery.state().Mailed)
		assert.Equal(t, 1, d.openTasks())
	})
	t.Run("a recipient who is refused is not", func(t *testing.T) {
		d := waiting(t)
		d.mailer.err = fault.Errorf(fault.Client, fault.ObjectRecipient, "no such user")
		d.sweep(t)
		d.sweeps(t, 72*time.Hour)
		assert.Equal(t, 1, d.mailer.tried)
	})
}

func TestADeliveryEndsWithItsItem(t *testing.T) {
	pending := func(t *testing.T) *delivering {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = deliver.ErrByHand
		require.NoError(t, d.do(command.SyncItem, "sync_item"))
		require.NotEmpty(t, d.param(itemparam.Delivery))
		d.at = d.at.Add(time.Hour)
		return d
	}
	for name, end := range map[string]func(t *testing.T, d *delivering){
		"deleted": func(t *testing.T, d *delivering) { d.panel.order.Status = item.ItemDeleted; d.sweep(t) },
		"closed":  func(t *testing.T, d *delivering) { require.NoError(t, d.do(command.Close, "close")) },
		"no deploy block any more": func(t *testing.T, d *delivering) {
			d.delivery.configured = false
			d.sweep(t)
		},
		"another certificate was stored by hand": func(t *testing.T, d *delivering) {
			d.panel.stored = strings.Join(signed(t, d.pair, d.at, 199), "")
			d.sweep(t)
		},
		"its authority revoked it": func(t *testing.T, d *delivering) {
			d.panel.order.Params[itemparam.RevokedSerial] = d.serial(t)
			d.sweep(t)
		},
		"the certificate is removed": func(t *testing.T, d *delivering) { d.panel.stored = ""; d.sweep(t) },
		"it has expired": func(t *testing.T, d *delivering) {
			d.at = d.at.AddDate(0, 0, 200)
			d.panel.order.Params[itemparam.ServiceStatus] = "5"
			d.sweep(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := pending(t)
			end(t, d)
			if name == "it has expired" && d.count("targets") == 0 {
				t.Fatal("nothing was tried before")
			}
			assert.Empty(t, d.param(itemparam.Delivery))
			assert.Contains(t, d.panel.tasks[0], " closed")
			assert.Empty(t, d.param(itemparam.DeployedSerial))
		})
	}
	t.Run("switched off it stays", func(t *testing.T) {
		d := pending(t)
		d.delivery.mode = publish.Off
		d.sweeps(t, 72*time.Hour)
		assert.NotEmpty(t, d.param(itemparam.Delivery))
		assert.Empty(t, d.mailer.notices)
	})
}

// A certificate that is stored while a reissue waits is delivered on; one that is stored and not announced yet waits for that.
func TestADeliveryGoesOnBesideAReissue(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.refuse["web7"] = errors.New("it is away")
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	d.at = d.at.Add(25 * time.Hour)
	require.NoError(t, d.do(command.Reopen, "reopen"))
	require.Equal(t, "4", d.param(itemparam.ServiceStatus))
	delete(d.delivery.refuse, "web7")
	d.sweep(t)
	d.deployed(t)
}

func TestAParameterThatCannotBeReadBeginsAnew(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	for _, text := range []string{"x", `{"serial":7}`, `{}`, `{"tries":-5,"since":"2099-01-01T00:00:00Z","last":"2099-01-01T00:00:00Z"}`} {
		d.panel.order.Params[itemparam.Delivery] = text
		delete(d.panel.order.Params, itemparam.DeployedSerial)
		d.sweeps(t, time.Hour)
		assert.Equal(t, d.serial(t), d.param(itemparam.DeployedSerial), text)
		assert.Empty(t, d.param(itemparam.Delivery), text)
	}
}

// rules DELIVER-5: the key is read only if a target wants it, and handed over only if it is the certificate's.
func TestTheKeyOfTheCertificateIsHandedOver(t *testing.T) {
	other := newPair(t, "example.com")
	for name, c := range map[string]struct {
		held func(d *delivering) string
		want func(d *delivering) string
	}{
		"the panel holds it":    {held: func(d *delivering) string { return keyText(t, d.pair) }, want: func(d *delivering) string { return keyText(t, d.pair) }},
		"the client keeps it":   {held: func(*delivering) string { return "" }, want: func(*delivering) string { return "" }},
		"another certificate's": {held: func(*delivering) string { return keyText(t, other) }, want: func(*delivering) string { return "" }},
		"it cannot be read":     {held: func(*delivering) string { return "0badc0ffee" }, want: func(*delivering) string { return "" }},
		"encrypted by the client": {held: func(*delivering) string {
			return "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n"
		}, want: func(*delivering) string { return "" }},
	} {
		t.Run(name, func(t *testing.T) {
			d := deliveringFixture(t)
			d.delivery.targets[0].Key = true
			d.panel.key = c.held(d)
			d.sweep(t)
			d.deployed(t)
			assert.Equal(t, []string{c.want(d)}, d.delivery.keys)
			assert.NotContains(t, strings.Join(slices.Concat(d.log.lines, d.panel.calls), "\n"), "PRIVATE KEY")
		})
	}
	d := deliveringFixture(t)
	d.panel.key = keyText(t, d.pair)
	d.sweep(t)
	assert.Zero(t, d.panel.keyReads, "without `key yes` it is not read")
}

// rules DELIVER-3: a sweep without time for deliveries uses up no try.
func TestAnItemThatHadNoTurnLosesNoTry(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.broken = deliver.ErrTimeSpent
	d.sweep(t)
	assert.Zero(t, d.delivery.state().Tries)
	assert.Empty(t, d.delivery.state().Why)
	d.delivery.broken = nil
	d.delivery.refuse["web7"] = errors.New("it is away")
	d.sweeps(t, time.Hour)
	require.Equal(t, 1, d.delivery.state().Tries)
	d.panel.before = func(call string) {
		if strings.HasPrefix(call, "see ") {
			d.panel.fail[call] = deliver.ErrTimeSpent
		}
	}
	before := d.delivery.state()
	d.sweeps(t, 3*time.Hour)
	assert.Equal(t, before, d.delivery.state())
}

// rules DELIVER-3: after two days without a turn, or without sweeps, the certificate is tried all the same.
func TestACertificateIsTriedHoweverLateItsTurnComes(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.broken = deliver.ErrTimeSpent
	d.sweep(t)
	d.at = d.at.Add(50 * time.Hour)
	d.delivery.broken = nil
	d.sweep(t)
	d.deployed(t)
	assert.Empty(t, d.panel.tasks)
	assert.Empty(t, d.mailer.notices)

	t.Run("a person is told meanwhile", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.broken = deliver.ErrTimeSpent
		d.sweep(t)
		d.sweeps(t, 50*time.Hour)
		assert.Equal(t, 1, d.openTasks())
		assert.Len(t, d.mailer.notices, 1)
		d.delivery.broken = nil
		d.sweeps(t, time.Hour)
		d.deployed(t)
		assert.Zero(t, d.openTasks())
	})
}

// rules DELIVER-3: what was tried before a pause, in which no sweep ran or SSLUnattended was not on, is tried again after it.
func TestADeliveryGoesOnAfterAPause(t *testing.T) {
	for name, pause := range map[string]func(t *testing.T, d *delivering){
		"no sweep ran": func(_ *testing.T, d *delivering) { d.at = d.at.Add(70 * time.Hour) },
		"SSLUnattended was off": func(t *testing.T, d *delivering) {
			d.delivery.mode = publish.Off
			d.sweeps(t, 70*time.Hour)
			d.delivery.mode = publish.On
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := deliveringFixture(t)
			d.delivery.refuse["web7"] = errors.New("it is away")
			d.sweeps(t, 3*time.Hour)
			pause(t, d)
			delete(d.delivery.refuse, "web7")
			d.sweep(t)
			d.deployed(t)
			assert.Empty(t, d.panel.tasks)
			assert.Empty(t, d.mailer.notices)
		})
	}
	t.Run("which fails", func(t *testing.T) {
		d := deliveringFixture(t)
		d.delivery.refuse["web7"] = errors.New("it is away")
		d.sweeps(t, 3*time.Hour)
		tries := d.delivery.state().Tries
		d.at = d.at.Add(70 * time.Hour)
		d.sweep(t)
		assert.Equal(t, tries+1, d.delivery.state().Tries)
		assert.Equal(t, 1, d.openTasks())
		d.sweeps(t, 72*time.Hour)
		assert.Equal(t, tries+4, d.delivery.state().Tries)
		assert.Equal(t, 1, d.openTasks())
		assert.Len(t, d.mailer.notices, 1)
	})
}

// slowDelivery delivers for so long to each item, which moves the clock, and never succeeds.
type slowDelivery struct {
	deliver.Service
	takes func(it int64) time.Duration
	clock func(time.Duration)
	tried []int64
}

func (s *slowDelivery) Mode() publish.Mode { return publish.On }
func (s *slowDelivery) Configured() bool   { return true }

func (s *slowDelivery) Targets(context.Context, deliver.Order, []string) ([]deliver.Target, []deliver.Reason, error) {
	return []deliver.Target{{Block: "web7", Sites: []string{"example.com"}}}, nil, nil
}

func (s *slowDelivery) Deliver(ctx context.Context, order deliver.Order, _ deliver.Target, _ deliver.Certificate) error {
	s.tried = append(s.tried, order.Item)
	s.clock(s.takes(order.Item))
	return errors.New("it is away")
}

func (s *slowDelivery) Seen(context.Context, deliver.Target, string) (deliver.Sight, error) {
	return deliver.Sight{Why: "the former one"}, nil
}

func (p *manyPanel) PendingDeliveries(context.Context) ([]item.PendingDelivery, error) {
	var pending []item.PendingDelivery
	for _, it := range p.with(itemparam.Delivery, false) {
		pending = append(pending, item.PendingDelivery{Item: it, State: p.items[it].Params[itemparam.Delivery]})
	}
	return pending, nil
}

// many returns a panel with so many items whose stored certificate is to be delivered.
func (d *delivering) many(t *testing.T, items int64) *manyPanel {
	t.Helper()
	panel := &manyPanel{d.panel, map[int64]*item.Item{}}
	for it := int64(1); it <= items; it++ {
		one := d.panel.order
		one.Item, one.Status, one.Stored = it, 2, d.panel.stored
		one.Params = map[string]string{itemparam.ServiceStatus: "5", itemparam.Delivery: fmt.Sprintf(`{"serial":%q,"since":%q}`, d.serial(t), d.at.Format(time.RFC3339))}
		panel.items[it] = &one
	}
	return panel
}

// rules DELIVER-3: a sweep spends 5 minutes on deliveries. Each item has its turn, whatever the others take.
func TestEachDeliveryHasItsTurn(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	panel := d.many(t, 9)
	slow := &slowDelivery{takes: func(int64) time.Duration { return 110 * time.Second }, clock: func(by time.Duration) { d.at = d.at.Add(by) }}
	var sweeps [][]int64
	for range 4 {
		began := d.at
		run := d.env()
		run.Args, run.Panel, run.Delivering = item.Args{Command: "subscription"}, panel, slow
		slow.tried = nil
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.LessOrEqual(t, d.at.Sub(began), 6*time.Minute)
		sweeps = append(sweeps, slow.tried)
		d.at = began.Add(time.Hour)
	}
	assert.Equal(t, [][]int64{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {1, 2, 3}}, sweeps)
}

// silentPanels are asked in vain about the first three items for two minutes each, as long as one item may take.
type silentPanels struct {
	slowDelivery
}

func (s *silentPanels) Targets(ctx context.Context, order deliver.Order, names []string) ([]deliver.Target, []deliver.Reason, error) {
	if order.Item <= 3 {
		s.tried = append(s.tried, order.Item)
		s.clock(2 * time.Minute)
		return nil, nil, deliver.ErrTimeSpent
	}
	return s.slowDelivery.Targets(ctx, order, names)
}

// rules DELIVER-3: items whose panels do not answer do not stand before all others for ever.
func TestSilentPanelsDoNotTakeTheTurnOfOthers(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	panel := d.many(t, 6)
	silent := &silentPanels{slowDelivery{takes: func(int64) time.Duration { return time.Second }, clock: func(by time.Duration) { d.at = d.at.Add(by) }}}
	var sweeps [][]int64
	for range 2 {
		began := d.at
		run := d.env()
		run.Args, run.Panel, run.Delivering = item.Args{Command: "subscription"}, panel, silent
		silent.tried = nil
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		assert.LessOrEqual(t, d.at.Sub(began), 7*time.Minute)
		sweeps = append(sweeps, silent.tried)
		d.at = began.Add(time.Hour)
	}
	assert.Equal(t, [][]int64{{1, 2, 3}, {4, 5, 6, 1, 2, 3}}, sweeps)
}

// hangingHook hangs for two minutes at its first call in a run, and is not called again in that run.
type hangingHook struct {
	slowDelivery
	hung bool
}

func (h *hangingHook) Deliver(ctx context.Context, order deliver.Order, t deliver.Target, c deliver.Certificate) error {
	if h.hung {
		return fmt.Errorf("the program: %w", publish.ErrNotAsked)
	}
	h.hung = true
	_ = h.slowDelivery.Deliver(ctx, order, t, c)
	return context.DeadlineExceeded
}

// rules DELIVER-3: an item for which the program was not called, because it hung for another one, has lost no try, and is the first
// in the next sweep.
func TestAProgramThatHangsTakesNoTriesOfOtherItems(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	panel := d.many(t, 4)
	hook := &hangingHook{slowDelivery: slowDelivery{takes: func(int64) time.Duration { return 2 * time.Minute }, clock: func(by time.Duration) { d.at = d.at.Add(by) }}}
	var tries [][]int
	for range 5 {
		began := d.at
		run := d.env()
		run.Args, run.Panel, run.Delivering = item.Args{Command: "subscription"}, panel, hook
		hook.hung = false
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		var made []int
		for it := int64(1); it <= 4; it++ {
			var state deliveryState
			require.NoError(t, json.Unmarshal([]byte(panel.items[it].Params[itemparam.Delivery]), &state))
			made = append(made, state.Tries)
		}
		tries = append(tries, made)
		d.at = began.Add(time.Hour)
	}
	assert.Equal(t, [][]int{{1, 0, 0, 0}, {1, 1, 0, 0}, {1, 1, 1, 0}, {1, 1, 1, 1}, {2, 1, 1, 1}}, tries)
	assert.Equal(t, []int64{1, 2, 3, 4, 1}, hook.tried)
}

// deadServers are those of the first 70 items: their program is not called any more, and a look at each takes 5 seconds. The others' are
// away for a while.
type deadServers struct {
	slowDelivery
}

func (s *deadServers) Targets(_ context.Context, order deliver.Order, _ []string) ([]deliver.Target, []deliver.Reason, error) {
	block := "web7"
	if order.Item <= 70 {
		block = "dead"
	}
	return []deliver.Target{{Block: block, Sites: []string{"example.com"}}}, nil, nil
}

func (s *deadServers) Seen(ctx context.Context, t deliver.Target, serial string) (deliver.Sight, error) {
	if t.Block == "dead" {
		s.clock(5 * time.Second)
	}
	return s.slowDelivery.Seen(ctx, t, serial)
}

func (s *deadServers) Deliver(ctx context.Context, order deliver.Order, t deliver.Target, c deliver.Certificate) error {
	if t.Block == "dead" {
		return publish.ErrNotAsked
	}
	return s.slowDelivery.Deliver(ctx, order, t, c)
}

// rules DELIVER-3: many items whose servers are not asked do not stand before all others for ever.
func TestItemsWhoseServersAreNotAskedDoNotTakeTheTurnOfOthers(t *testing.T) {
	d := deliveringFixture(t)
	require.NoError(t, d.do(command.SyncItem, "sync_item"))
	panel := d.many(t, 72)
	dead := &deadServers{slowDelivery{takes: func(int64) time.Duration { return time.Second }, clock: func(by time.Duration) { d.at = d.at.Add(by) }}}
	var sweeps [][]int64
	for range 4 {
		began := d.at
		run := d.env()
		run.Args, run.Panel, run.Delivering = item.Args{Command: "subscription"}, panel, dead
		dead.tried = nil
		_, err := command.Subscription(t.Context(), run)
		require.NoError(t, err)
		sweeps = append(sweeps, dead.tried)
		d.at = began.Add(time.Hour)
	}
	assert.Equal(t, [][]int64{nil, {71, 72}, nil, {71, 72}}, sweeps, "60 items in a sweep, in turn")
}

// rules DELIVER-3: a panel that is not asked any more in a run takes no try.
func TestAPanelThatIsNotAskedAnyMoreTakesNoTry(t *testing.T) {
	d := deliveringFixture(t)
	targets := d.delivery.targets
	d.delivery.targets, d.delivery.reasons = nil, []deliver.Reason{{Name: "example.com", Err: fmt.Errorf("web7: %w", publish.ErrNotAsked)}}
	d.sweeps(t, 3*time.Hour)
	assert.Zero(t, d.delivery.state().Tries)
	d.delivery.targets, d.delivery.reasons = targets, nil
	d.sweep(t)
	d.deployed(t)
}

// rules DELIVER-1: a server that takes all of an item's time does not keep the others from the certificate: the next try begins with
// another one.
func TestAServerThatHangsDoesNotKeepTheOtherFromTheCertificate(t *testing.T) {
	d := deliveringFixture(t)
	d.delivery.targets = append(d.delivery.targets, deliver.Target{Block: "lb1", Sites: []string{"example.com"}})
	var called []string
	d.panel.before = func(call string) {
		block, delivers := strings.CutPrefix(call, "deliver ")
		switch {
		case !delivers:
			return
		case len(called) > 0 || block == "web7":
			d.panel.fail[call] = deliver.ErrTimeSpent
		}
		called = append(called, block)
	}
	d.sweep(t)
	assert.Equal(t, []string{"web7", "lb1"}, called)
	called = nil
	d.sweeps(t, time.Hour)
	assert.Equal(t, []string{"lb1", "web7"}, called)
	assert.Equal(t, d.serial(t), d.delivery.served["lb1"])
}

// rules DELIVER-2: a try is saved before anything is delivered, so that a delivery which ends the run each time does not end each run.
func TestADeliveryThatEndsTheRunIsTriedAsRarelyAsOthers(t *testing.T) {
	d := deliveringFixture(t)
	tried := 0
	for range 24 * 7 {
		ctx, cancel := context.WithCancel(t.Context())
		d.panel.before = func(call string) {
			if strings.HasPrefix(call, "deliver ") {
				tried++
				cancel()
				d.panel.fail[call] = ctx.Err()
			}
		}
		d.args = item.Args{Command: "subscription"}
		_, _ = command.Subscription(ctx, d.env())
		cancel()
		d.at = d.at.Add(time.Hour)
	}
	assert.Equal(t, 6+5, tried, "6 times in two days, then daily")
	assert.Equal(t, 1, d.openTasks())
}
