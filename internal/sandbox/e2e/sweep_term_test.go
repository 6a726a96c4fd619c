package e2e

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// caLeafDays returns the validity in days of a certificate that the stand-in's CA issues on the day. It is a day less than the
// Forum's limit and changes on the CA's own dates (docs/reference/validity.md §A1.1, A 3).
func caLeafDays(day time.Time) int {
	for _, step := range []struct {
		from string
		days int
	}{{"2029-03-15", 46}, {"2027-03-15", 99}, {"2026-03-12", 199}} {
		if day.Format(time.DateOnly) >= step.from {
			return step.days
		}
	}
	return 397
}

// expectedCertificates returns how many certificates a term needs. It is a second model of the policy, day by day, with the CA's
// own validity. The policy reissues lead days before an end, at most half of the certificate's validity
// (docs/reference/validity.md §B3.7), but not a certificate that lasts until paidUntil (B3.9).
func expectedCertificates(start, paidUntil time.Time, lead int) int {
	issued, days, count := start, caLeafDays(start), 1
	for day := start; ; day = day.AddDate(0, 0, 1) {
		end := issued.AddDate(0, 0, days-1)
		if !end.Before(paidUntil) {
			return count
		}
		if day.Before(end.AddDate(0, 0, -min(lead, days/2))) {
			continue
		}
		issued, days = day, caLeafDays(day)
		if rest := int(paidUntil.Sub(day)/(24*time.Hour)) + 1; rest < days {
			days = rest
		}
		count++
	}
}

// sweepUntil moves the clock day by day until the given time and returns the certificates that were stored. It runs a sweep on each
// of the first days and on the days around each event, and fails if the item has no valid certificate on one of them.
func (f *simulatedFixture) sweepUntil(t *testing.T, item int64, domain string, until time.Time, lead int) []*x509.Certificate {
	t.Helper()
	all := []*x509.Certificate{f.leaf(t, item)}
	now, err := f.clock.Now()
	require.NoError(t, err)
	start := now
	for now = now.AddDate(0, 0, 1); now.Before(until); now = now.AddDate(0, 0, 1) {
		last := all[len(all)-1]
		life := int(last.NotAfter.Add(time.Second).Sub(last.NotBefore) / (24 * time.Hour))
		act := last.NotAfter.Truncate(24*time.Hour).AddDate(0, 0, -min(lead, life/2))
		if nothingDue := now.Sub(start) > 30*24*time.Hour && now.Before(act.AddDate(0, 0, -1)) && now.Sub(last.NotBefore) > 48*time.Hour; nothingDue {
			continue
		}
		require.NoError(t, f.clock.Set(now))
		doc := f.sweep(t)
		require.Zero(t, doc.Failed, "%s: %+v", now, doc)
		stored := f.leaf(t, item)
		if stored.Equal(last) {
			assert.Zero(t, doc.Reissued, "%s", now)
			assert.False(t, now.After(stored.NotAfter), "%s: without a certificate since %s", now, stored.NotAfter)
			continue
		}
		assert.Equal(t, 1, doc.Reissued, "%s", now)
		assert.Equal(t, act.Format(time.DateOnly), now.Format(time.DateOnly), "reissued on the day of the lead")
		assert.False(t, now.After(last.NotAfter), "%s: the previous certificate had expired", now)
		f.checkNewestStored(t, item, domain)
		assert.Equal(t, stored.NotAfter.UTC().Format(time.DateOnly), f.itemOf(t, item).ExpireDate, "rules STORE-3")
		all = append(all, stored)
	}
	return all
}

// rules SWEEP-3, docs/reference/validity.md §B3.7 and §B3.9: whole terms, with both meanings of the seller's dates and both moments at
// which a reissue replaces the old id. The number of certificates is exactly that of a second model: no loop, no gap, one
// payment.
func TestSweepCoversWholeTerms(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, row := range []struct {
			name, start string
			months      int
			end         string // paid until
			lead        string
			sells       func(*behaviour)
		}{
			{name: "leap day, one year, dates of the term, replaced at issue", start: "2028-02-29", months: 12, end: "2029-02-28",
				sells: func(m *behaviour) { m.showsTermEnd, m.replacedAtIssue = true, true }},
			{name: "over a leap day, dates of the leaf, replaced at acceptance", start: "2027-09-15", months: 12, end: "2028-09-15"},
			{name: "across the step of 2029, dates of the leaf, replaced at issue", start: "2028-10-01", months: 12, end: "2029-10-01",
				sells: func(m *behaviour) { m.replacedAtIssue = true }},
			{name: "a lead of 200 on certificates of 47 days", start: "2029-04-01", months: 12, end: "2030-04-01", lead: "200"},
			{name: "a lead of 0", start: "2029-03-20", months: 12, end: "2030-03-20", lead: "0"},
			{name: "two years from the documented example's day, dates of the term, replaced at acceptance", start: "2026-04-02", months: 24, end: "2028-04-02",
				sells: func(m *behaviour) { m.showsTermEnd = true }},
		} {
			t.Run(row.name, func(t *testing.T) {
				f := startSimulated(t, seller, row.start)
				lead := 10
				if row.lead != "" {
					f.configure(t, "SSLSubscriptionBefore "+row.lead)
					lead = map[string]int{"0": 0, "200": 200}[row.lead]
				}
				if row.sells != nil {
					f.changeSeller(t, row.sells)
				}
				item := f.storedItem(t, "example.com", row.months)
				start, end := instant(t, row.start).Truncate(24*time.Hour), instant(t, row.end).Truncate(24*time.Hour)
				paidUntil := ""
				if row.months > 12 {
					paidUntil = row.end
				}
				assert.Equal(t, paidUntil, f.itemOf(t, item).Params["paid_until"])

				all := f.sweepUntil(t, item, "example.com", end, lead)
				assert.Len(t, all, expectedCertificates(start, end, lead))
				assert.Equal(t, row.end, all[len(all)-1].NotAfter.UTC().Format(time.DateOnly), "the last one reaches the end of the term")
				assert.Equal(t, 1, f.paymentCount(t))
				assert.Empty(t, f.taskTypes(t))
				assert.Empty(t, f.takeMails(t), "no validation was needed")
			})
		}
	})
}

// docs/reference/validity.md §B3.8: a certificate that has expired inside its paid term is due at once, with a warning, for example
// after the timer was off for weeks.
func TestExpiredCertificateInsideItsTermIsReissued(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-12-24")
		f.takeLog(t)
		doc := f.sweep(t)
		assert.Equal(t, "reissue ok", doc.summary(item))
		assert.Equal(t, firstEnd, doc.row(item).ExpireDate)
		assert.Contains(t, f.takeLog(t), "expired on 2026-10-17, within its paid term")
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, "2027-04-02", f.itemOf(t, item).ExpireDate, "no later than the term")
		assert.Zero(t, f.sweep(t).Due)
	})
}

// rules SWEEP-4: a reissue that needs a new domain validation. The old certificate stays, the client gets the challenge in one mail
// and on the item, and the new certificate is stored when control is proved. With less than a week left the client is notified
// every day, and the administrator has a task.
func TestReissueThatNeedsNewValidation(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		first := f.itemOf(t, item)
		f.changeSeller(t, issueAfterValidation)
		f.setTime(t, "2026-10-07")
		doc := f.sweep(t)
		assert.Equal(t, "reissue ok", doc.summary(item))
		assert.Equal(t, 1, doc.Notified)
		now := f.itemOf(t, item)
		assert.Equal(t, "4", now.Params["service_status"])
		assert.Equal(t, first.Crt, now.Crt, "the old certificate stays in place")
		assert.Equal(t, firstEnd, now.ExpireDate)
		value := now.Params["auth_dnscname_value"]
		assert.NotEmpty(t, value)
		assert.NotEqual(t, first.Params["auth_dnscname_value"], value, "of the new certificate")
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].subject, "example.com")
		for _, word := range append(strings.Fields(value), "example.com", firstEnd, "2027-04-02", now.Params["custom_order_id"]) {
			assert.Contains(t, mails[0].body, word)
		}
		for _, day := range []string{"2026-10-07T10:00:00Z", "2026-10-08", "2026-10-10"} {
			f.setTime(t, day)
			assert.Equal(t, "wait ok told already", f.sweep(t).summary(item), day)
		}
		assert.Empty(t, f.takeMails(t))
		assert.Empty(t, f.taskTypes(t))
		for _, day := range []string{"2026-10-11", "2026-10-12"} {
			f.setTime(t, day)
			assert.Equal(t, 1, f.sweep(t).Notified, day)
			f.setTime(t, day+"T20:00:00Z")
			assert.Zero(t, f.sweep(t).Notified, "one mail a day")
		}
		assert.Len(t, f.takeMails(t), 2)
		assert.Equal(t, []string{fmt.Sprintf("reopen %d", item)}, f.taskTypes(t), "one open task is enough")

		require.NoError(t, f.standIn.prove("example.com"))
		f.setTime(t, "2026-10-13")
		assert.Equal(t, "wait ok", f.sweep(t).summary(item))
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, 2, f.requestedCertificates(t, "example.com"))
		assert.Equal(t, "2027-04-02", f.itemOf(t, item).ExpireDate)
		assert.Empty(t, f.takeMails(t))
	})
}

// BR 1.2.2: from 2028-03-15 on validation by e-mail is not allowed. The item changes to validation by DNS, and the client gets the
// challenge in a mail.
func TestEmailValidationMovesToDNSFrom2028(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, "2028-01-10T09:00:00Z")
		item := f.storedItem(t, "example.com", 12, func(o *panel.Order) {
			o.Params = seller.orderParams("auth_email")
			o.Params["approver_email"] = "admin@example.com"
		})
		f.changeSeller(t, issueAfterValidation)
		f.setTime(t, "2028-04-08") // ten days before its end
		doc := f.sweep(t)
		assert.Equal(t, "reissue ok", doc.summary(item))
		now := f.itemOf(t, item)
		assert.Equal(t, "auth_dnscname", now.Params["approver_method"])
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		for _, word := range strings.Fields(now.Params["auth_dnscname_value"]) {
			assert.Contains(t, mails[0].body, word)
		}
		assert.Equal(t, 1, f.requestCounts.all()[stepReissue])
		assert.True(t, f.ordersFor(t, "example.com").byDNS)
	})
}

// docs/reference/validity.md §B3.4: SSLSubscriptionExpireDate chooses the date at which an older panel bills. Whether an item is due
// depends on its certificate alone.
func TestExpireDateSettingForOlderPanels(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for mode, shown := range map[string]string{"": "2027-04-23", "certificate": "2027-04-23", "term": "2028-04-02", "never": "2027-04-23"} {
			t.Run("SSLSubscriptionExpireDate "+mode, func(t *testing.T) {
				f := startSimulated(t, seller, firstOrders)
				if mode != "" {
					f.configure(t, "SSLSubscriptionExpireDate "+mode)
				}
				item := f.storedItem(t, "example.com", 24)
				f.setTime(t, "2026-10-06")
				assert.Zero(t, f.sweep(t).Due)
				f.setTime(t, "2026-10-07")
				f.takeLog(t)
				assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
				f.checkNewestStored(t, item, "example.com")
				now := f.itemOf(t, item)
				assert.Equal(t, shown, now.ExpireDate)
				assert.Equal(t, "2027-04-23", now.Params["certificate_expiredate"], "rules PARAM-7: in both modes")
				if mode == "never" {
					assert.Contains(t, f.takeLog(t), "neither certificate nor term")
				}
			})
		}
	})
}

// docs/reference/validity.md §B3.10: a certificate for a new key of the client is stored even if it ends earlier, with a warning.
func TestNewKeyWithAnEarlierEndIsStored(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		ctx := context.Background()
		f := startSimulated(t, seller, "2027-03-10T09:00:00Z")
		item := f.storedItem(t, "example.com", 24)
		assert.Equal(t, "2027-09-24", f.itemOf(t, item).ExpireDate)
		f.setTime(t, "2027-03-20")
		f.takeLog(t)
		csr, key := newCSR(t, "example.com")
		_, run, err := f.panel.Reissue(ctx, item, csr, key, nil)
		require.NoError(t, err)
		require.True(t, run.OK(), run.Failure())
		f.syncIssuedAtOnce(t, item)
		f.checkNewestStored(t, item, "example.com")
		assert.Equal(t, "2027-06-26", f.itemOf(t, item).ExpireDate)
		assert.Contains(t, f.takeLog(t), "no later than the stored one")
		assert.NotContains(t, f.itemOf(t, item).Params, "seller_term_end", "the limit of 2027 explains the earlier end, not the seller's term")
		f.setTime(t, "2027-06-16")
		assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
		f.checkNewestStored(t, item, "example.com")
	})
}

// rules SWEEP-3, STORE-7: the seller's term ends earlier than the panel's. A reissue whose certificate does not end later shows it:
// that certificate is not stored, the end is recorded, and only one more reissue is requested, three days before the end.
func TestSellersEarlierTermEndIsRecorded(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.termOffsetDays = -20 })
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
		before := f.itemOf(t, item)
		assert.Equal(t, "2027-03-13", before.Params["certificate_expiredate"])
		f.setTime(t, "2027-03-03")
		assert.Contains(t, f.sweep(t).summary(item), "no later than the stored one")
		now := f.itemOf(t, item)
		assert.Equal(t, before.Crt, now.Crt)
		assert.Equal(t, "5", now.Params["service_status"])
		assert.Equal(t, "2027-03-13", now.Params["seller_term_end"])
		assert.Len(t, now.Tasks, 1)
		for _, day := range []string{"2027-03-04", "2027-03-05", "2027-03-09"} {
			f.setTime(t, day)
			assert.Zero(t, f.sweep(t).Reissued, day)
			assert.Equal(t, 3, f.requestedCertificates(t, "example.com"), day)
		}
		for _, day := range []string{"2027-03-10", "2027-03-11", "2027-03-12", "2027-03-14"} {
			f.setTime(t, day)
			assert.Zero(t, f.sweep(t).Reissued, day)
			assert.Equal(t, 4, f.requestedCertificates(t, "example.com"), "%s: one last attempt", day)
			assert.Equal(t, before.Crt, f.itemOf(t, item).Crt, day)
		}
		assert.Equal(t, 1, f.paymentCount(t))
	})
}

// rules SWEEP-11: a mail that the MTA refuses is an error in document and log, at every sweep until the MTA accepts it, which may be
// on the same day. A mail whose recipient is refused is tried again the next day.
func TestMailThatTheMTARefusesIsRetried(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy manual")
		item := f.storedItem(t, "example.com", 12)
		require.NoError(t, installSendmail(f.dir, refuseMail))
		for _, now := range []string{"2026-10-07", "2026-10-07T10:00:00Z"} {
			f.setTime(t, now)
			f.takeLog(t)
			doc := f.sweep(t)
			assert.Equal(t, "error", doc.row(item).Result, now)
			assert.Contains(t, doc.row(item).Reason, "did not accept the message", now)
			assert.Contains(t, f.takeLog(t), "did not accept the message", now)
		}
		require.NoError(t, installSendmail(f.dir, unknownRecipient))
		f.setTime(t, "2026-10-07T11:00:00Z")
		assert.Contains(t, f.sweep(t).row(item).Reason, "recipient is unknown")
		require.NoError(t, installSendmail(f.dir, keepMail))
		f.setTime(t, "2026-10-07T20:00:00Z")
		doc := f.sweep(t)
		assert.Zero(t, doc.Notified, "the refusal used up the day")
		assert.Equal(t, "tried today", doc.row(item).Reason)

		require.NoError(t, installSendmail(f.dir, refuseMail))
		f.setTime(t, "2026-10-08")
		assert.Equal(t, 1, f.sweep(t).Failed)
		require.NoError(t, installSendmail(f.dir, keepMail))
		f.setTime(t, "2026-10-08T10:00:00Z")
		assert.Equal(t, 1, f.sweep(t).Notified, "sent on the same day")
		assert.Len(t, f.takeMails(t), 1)
		f.setTime(t, "2026-10-09")
		assert.Zero(t, f.sweep(t).Notified)

		resent := f.sweep(t, "--resend", "--item", strconv.FormatInt(item, 10))
		assert.Equal(t, 1, resent.Notified)
		assert.Len(t, f.takeMails(t), 1)
	})
}

// rules SWEEP-6: a missing SSLSubscriptionMailFrom and a client without an address are errors.
func TestMailWithoutSenderOrRecipientIsAnError(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		writeSubscriptionConfig(t, f, "SSLSubscriptionPolicy manual")
		doc := f.sweep(t)
		assert.Contains(t, doc.row(item).Reason, "SSLSubscriptionMailFrom")
		f.setTime(t, "2026-10-07T10:00:00Z")
		assert.Contains(t, f.sweep(t).row(item).Reason, "SSLSubscriptionMailFrom", "at every sweep until the option is set")
		f.setTime(t, "2026-10-08")
		f.configure(t, "SSLSubscriptionPolicy manual")
		f.sql(t, "UPDATE user SET enabled='off' WHERE level=16")
		assert.Contains(t, f.sweep(t).row(item).Reason, "so no mail can be sent")
		f.sql(t, "UPDATE user SET enabled='on', language='ru' WHERE level=16")
		f.setTime(t, "2026-10-09")
		assert.Equal(t, 1, f.sweep(t).Notified)
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Regexp(t, `\p{Cyrillic}{4,}`, mails[0].body, "in the client's language")
	})
}

// A host without any MTA: neither a sendmail program nor a mail server on this machine.
func TestHostWithoutMTAReportsAnError(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, program := range []string{"/usr/sbin/sendmail", "/usr/lib/sendmail"} {
			if _, err := os.Stat(program); err == nil {
				t.Skipf("%s is installed: not tested on a host without an MTA", program)
			}
		}
		if connection, err := net.Dial("tcp", "127.0.0.1:25"); err == nil {
			require.NoError(t, connection.Close())
			t.Skip("a mail server listens on this machine: not tested on a host without an MTA")
		}
		f := startSimulated(t, seller, firstOrders, "SSLSubscriptionPolicy manual", "SSLSendmail") // without a program
		item := f.storedItem(t, "example.com", 12)
		require.NoError(t, os.Remove(filepath.Join(f.dir, "mta", "sendmail")))
		f.setTime(t, "2026-10-07")
		doc := f.sweep(t)
		assert.Equal(t, "error", doc.row(item).Result)
		assert.Contains(t, doc.row(item).Reason, "127.0.0.1:25")
	})
}

// rules STORE-3: the seller's term ends later than the panel's. The panel shows the end of the term that the client paid for, and no
// reissue is requested near that end (docs/reference/validity.md §B3.9).
func TestExpireDateNeverPassesPaidUntil(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startSimulated(t, seller, firstOrders)
		f.changeSeller(t, func(m *behaviour) { m.termOffsetDays = 20 })
		item := f.storedItem(t, "example.com", 12)
		f.setTime(t, "2026-10-07")
		assert.Equal(t, "reissue ok", f.sweep(t).summary(item))
		now := f.itemOf(t, item)
		assert.Equal(t, "2027-04-22", now.Params["certificate_expiredate"])
		assert.Equal(t, "2027-04-02", now.ExpireDate)
		for _, day := range []string{"2027-03-30", "2027-04-15"} {
			f.setTime(t, day)
			assert.Zero(t, f.sweep(t).Due, day)
		}
	})
}
