package e2e

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// rules BUY-1, BUY-2: many processes at once open, synchronise and sweep the same items. Each order is paid once and has one certificate.
func TestCampaignOfProcesses(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		const items = 20
		processes := campaignNumber(t, campaignProcesses, 2*items)
		v := startVictims(t, seller)
		var all []victim
		for n := range items {
			one := victim{domain: site(n)}
			one.item = placedVictim(t, v, one.domain)
			all = append(all, one)
		}
		part := campaignPart{Campaign: "processes at once", Part: "open, sync_item, subscription", Seller: seller.module, Seed: campaignNumber(t, campaignSeed, 1)}
		v.atOnce(t, all, processes, &part)
		for _, one := range all {
			v.settle(t, one.item, one.domain)
			v.checkNewestStored(t, one.item, one.domain)
			assert.Equal(t, 1, v.requestedCertificates(t, one.domain), one.domain)
		}
		assert.Equal(t, items, v.paymentCount(t))
		part.report(t)
	})
}

// atOnce starts processes for the items at the same time and waits for their end.
func (v *victims) atOnce(t *testing.T, all []victim, processes int, part *campaignPart) {
	t.Helper()
	random := campaignRandom(t)
	var commands [][]string
	for n := range processes {
		commands = append(commands, v.someCommand(t, random, all[n%len(all)]))
	}
	var group errgroup.Group
	for _, words := range commands {
		part.count(words[1])
		group.Go(func() error {
			run, err := v.panel.Start(context.Background(), v.seller.module, nil, words...)
			if err == nil && run.Signal != "" {
				err = fmt.Errorf("%s ended by %s", strings.Join(words, " "), run.Signal)
			}
			return err
		})
	}
	require.NoError(t, group.Wait())
}

// someCommand returns the words of a command for the item; every second one opens it.
func (v *victims) someCommand(t *testing.T, random *rand.Rand, one victim) []string {
	t.Helper()
	item := strconv.FormatInt(one.item, 10)
	switch random.IntN(4) {
	case 0:
		return []string{"--command", "sync_item", "--item", item}
	case 1:
		return []string{"--command", "subscription", "--item", item}
	}
	operations := v.itemOf(t, one.item).Operations
	require.Len(t, operations, 1)
	return []string{"--command", "open", "--item", item, "--runningoperation", strconv.FormatInt(operations[0].ID, 10)}
}

// hostCommand is a command that two hosts run at the same time: its item as for campaignCommands, and the operation that both run.
type hostCommand struct {
	name      string
	operation func(t *testing.T, v *victims, one victim) int64
}

func hostCommands() []hostCommand {
	added := func(command string) func(*testing.T, *victims, victim) int64 {
		return func(t *testing.T, v *victims, one victim) int64 {
			t.Helper()
			return v.addOperation(t, one.item, command)
		}
	}
	return []hostCommand{
		{name: "open", operation: func(t *testing.T, v *victims, one victim) int64 {
			t.Helper()
			return v.itemOf(t, one.item).Operations[0].ID
		}},
		{name: "reopen", operation: func(t *testing.T, v *victims, one victim) int64 {
			t.Helper()
			csr, key := newCSR(t, one.domain)
			require.NoError(t, v.panel.SetCSR(context.Background(), one.item, csr, key))
			return v.addOperation(t, one.item, "reopen")
		}},
		{name: "setparam with a CSR", operation: added("setparam")},
		{name: "setparam with names", operation: added("setparam")},
		{name: "prolong", operation: added("prolong")},
	}
}

// rules BUY-1, BUY-11: two hosts of one panel run the same operation at the same time. It is carried out once.
func TestCampaignOfTwoHosts(t *testing.T) {
	needsMariaDB(t, writesAtOnce)
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, command := range hostCommands() {
			s := campaignCommandNamed(command.name)
			if s.at != nil && !s.at(seller) {
				continue
			}
			t.Run(command.name, func(t *testing.T) {
				part := campaignPart{Campaign: "two hosts", Part: s.name, Seller: seller.module, Seed: campaignNumber(t, campaignSeed, 1)}
				v, all := s.prepared(t, seller, countFaults(t))
				other := v.secondHost(t)
				for _, one := range all {
					payments, requested := v.paymentCount(t), v.requestedCertificates(t, one.domain)
					operation := command.operation(t, v, one)
					var group errgroup.Group
					for _, host := range []*panel.Panel{v.panel, other} {
						group.Go(func() error {
							_, err := host.RunOperation(context.Background(), operation)
							if errors.Is(err, sql.ErrNoRows) {
								return nil // the other host has ended it
							}
							return err
						})
					}
					require.NoError(t, group.Wait())
					part.count("at once")
					s.settle(t, v, one)
					require.Equal(t, s.payments, v.paymentCount(t)-payments, "payments of %s", one.domain)
					require.Equal(t, 1, v.requestedCertificates(t, one.domain)-requested, "certificates requested for %s", one.domain)
					v.checkNewestStored(t, one.item, one.domain)
				}
				part.report(t)
			})
		}
	})
}

// campaignCommandNamed returns the command of campaignCommands with this name.
func campaignCommandNamed(name string) campaignCommand {
	all := campaignCommands()
	return all[slices.IndexFunc(all, func(s campaignCommand) bool { return s.name == name })]
}

// restoredTables are those of the panel's database that a command changes.
func restoredTables() []string {
	return []string{"item", "itemparam", "itemcryptedparam", "certificate", "runningoperation", "task"}
}

// rules BUY-2, BUY-9: the panel's database is restored as it was before a command was carried out, and the panel runs the command again.
// Nothing is paid a second time.
func TestCampaignOfRestoredDatabases(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, name := range []string{"open", "prolong", "setparam with names"} {
			s := campaignCommandNamed(name)
			if s.at != nil && !s.at(seller) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				part := campaignPart{Campaign: "restored database", Part: name, Seller: seller.module, Seed: campaignNumber(t, campaignSeed, 1)}
				random := campaignRandom(t)
				v, all := s.prepared(t, seller, countFaults(t))
				for _, one := range all {
					payments := v.paymentCount(t)
					v.backUp(t)
					run := s.command(t, v, one)
					require.True(t, run.OK(), run.Failure())
					kind := "after the command"
					if random.IntN(2) == 0 {
						s.settle(t, v, one)
						kind = "after the certificate was stored"
					}
					v.restore(t)
					part.count(kind)
					if ids := v.ordersFor(t, one.domain).ids; name != "open" {
						_ = v.standIn.issue(ids[len(ids)-1]) // the client has read what to publish; the error is that nothing waits
					}
					v.passes(t, time.Hour)
					if name != "open" { // else its operation was restored, too
						s.command(t, v, one)
					}
					s.settle(t, v, one)
					require.Equal(t, s.payments, v.paymentCount(t)-payments, "payments of %s, restored %s", one.domain, kind)
					v.checkNewestStored(t, one.item, one.domain)
				}
				part.report(t)
			})
		}
	})
}

// backUp keeps the tables as they are; restore brings them back.
func (v *victims) backUp(t *testing.T) {
	t.Helper()
	for _, table := range restoredTables() {
		v.sql(t, "DROP TABLE IF EXISTS kept_"+table)
		v.sql(t, "CREATE TABLE kept_"+table+" AS SELECT * FROM "+table)
	}
}

func (v *victims) restore(t *testing.T) {
	t.Helper()
	for _, table := range restoredTables() {
		v.sql(t, "DELETE FROM "+table)
		v.sql(t, "INSERT INTO "+table+" SELECT * FROM kept_"+table)
	}
}

// mailFaults are shell commands of a mail program that keeps no mail.
func mailFaults() []string {
	faults := []string{"kill -9 $$ # %s", "exec 0<&- ; exit 1 # %s", "exec /nonexistent # %s", "kill -9 $PPID # %s"}
	for _, code := range []int{1, 2, 64, 65, 67, 68, 69, 70, 71, 73, 74, 75, 76, 77, 78, 126, 127, 255} {
		faults = append(faults, fmt.Sprintf("exit %d # %%s", code))
	}
	return faults
}

// rules SWEEP-11: the mail to a client cannot be handed in. It is handed in once as soon as that is possible.
func TestCampaignOfMailFaults(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		part := campaignPart{Campaign: "mail", Part: "subscription", Seller: seller.module, Seed: campaignNumber(t, campaignSeed, 1)}
		random := campaignRandom(t)
		all := mailFaults()
		for _, n := range random.Perm(len(all))[:min(len(all), 2*countFaults(t))] {
			f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy manual")
			f.storedItem(t, "example.com", 12)
			require.NoError(t, installSendmail(f.dir, all[n]))
			f.setTime(t, "2026-10-07")
			run := f.runModule(t, "--command", "subscription")
			require.False(t, run.OK(), all[n])
			part.count(strings.TrimSuffix(all[n], " # %s"))
			require.NoError(t, installSendmail(f.dir, keepMail))
			for _, later := range []string{"2026-10-08T10:00:00Z", "2026-10-08T11:00:00Z"} {
				f.setTime(t, later)
				f.sweep(t)
			}
			assert.Len(t, f.takeMails(t), 1, all[n])
		}
		part.report(t)
	})
}
