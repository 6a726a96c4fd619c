package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// settingExpireDate selects the item's expiration date in the panel: `certificate` (the default) for the certificate's end, or
// `term` for panels that bill at that date (docs/reference/validity.md §B3.4).
const settingExpireDate = "SSLSubscriptionExpireDate"

const (
	// shortTolerance is the number of days by which a certificate may be shorter than the limit that explains its end: CAs stay
	// a day or two below the Forum's cap, backdate, and change some days before the Forum's own date.
	shortTolerance = 5
	// backdating is the longest time that notBefore may be before the signature (BR 7.1.2.7).
	backdating = 48 * time.Hour
)

// handleIssued checks an issued certificate and stores it, or keeps the stored one if that is better (rules STORE-7).
func (j *Order) handleIssued(ctx context.Context, status seller.OrderStatus) error {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return err
	}
	if len(status.PEM) == 0 {
		return j.nothingDelivered(ctx, status)
	}
	if old, replaced := j.showsReplaced(status); replaced { // checked before the key, which the client may have changed
		return j.waitForReplacement(ctx, status, old)
	}
	chain, err := j.usableChain(status, csr)
	if errors.Is(err, pki.ErrNoCertificate) {
		return j.nothingDelivered(ctx, status)
	}
	if err != nil {
		if shown, without := j.withoutItsKey(status); without {
			return j.waitForKey(ctx, shown)
		}
		if shown, earlier := j.earlierRequest(status, csr); earlier {
			return j.keepForEarlier(ctx, status, shown)
		}
		return err
	}
	return j.putInPlace(ctx, status, csr, chain)
}

// usableChain returns the chain of the delivered certificate; an error unless it has the CSR's key and the wanted names.
func (j *Order) usableChain(status seller.OrderStatus, csr pki.CSR) (pki.Chain, error) {
	chain, err := pki.BuildChain(status.PEM, csr, j.Now())
	if err == nil {
		err = chain.Check(csr, j.wanted(csr))
	}
	return chain, err
}

// putInPlace stores a checked certificate and writes its data to the panel, unless it is already stored or the stored one is
// better.
func (j *Order) putInPlace(ctx context.Context, status seller.OrderStatus, csr pki.CSR, chain pki.Chain) error {
	stored, inPlace := j.inPlace(chain)
	if inPlace && j.HasStatus(item.ServiceIssued) && j.Item.Params[itemparam.Serial] == chain.Serial() {
		j.Log.ExtInfof("certificate %s is already stored", chain.Serial())
		return j.closeWaitingTask(ctx)
	}
	if !inPlace {
		if kept, err := j.keepsStored(ctx, csr, chain, stored); kept || err != nil {
			return err
		}
	}
	j.warnUnusual(chain, stored)
	if !inPlace {
		if err := j.replace(ctx, chain, stored); err != nil {
			return err
		}
	}
	return j.announce(ctx, chain, stored, status)
}

// wanted returns the names that the leaf must cover: common name and SANs as ordered.
func (j *Order) wanted(csr pki.CSR) []string {
	names := []string{csr.CommonName}
	product, err := j.Product()
	if err != nil || !product.MultiDomain {
		return names
	}
	if request, err := j.Request(); err == nil {
		return request.AllNames()
	}
	return append(names, csr.Names...)
}

// inPlace returns the stored certificate's chain, nil if it cannot be read, and whether it is the delivered one.
func (j *Order) inPlace(chain pki.Chain) (*pki.Chain, bool) {
	if j.Item.Stored == "" {
		return nil, false
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		j.Log.Warningf("its stored certificate cannot be read and is replaced: %v", err)
		return nil, false
	}
	return &stored, bytes.Equal(stored.Leaf.Raw, chain.Leaf.Raw)
}

// warnUnusual logs what is unusual about a certificate that is stored all the same.
func (j *Order) warnUnusual(chain pki.Chain, stored *pki.Chain) {
	for _, warning := range chain.Warnings {
		j.Log.Warningf("certificate %s: %s; stored all the same", chain.Serial(), warning)
	}
	if over := chain.OverCap(); over != "" {
		j.Log.Warningf("certificate %s %s; stored all the same", chain.Serial(), over)
	}
	if stored != nil && stored.Serial() != chain.Serial() && !chain.Leaf.NotAfter.After(stored.Leaf.NotAfter) {
		j.Log.Warningf("certificate %s ends %s, no later than the stored one (%s); stored all the same, because it replaces that one", chain.Serial(), chain.Ends(), stored.Ends())
	}
	if len(chain.Intermediates) == 0 {
		j.Log.Warningf("the seller delivered certificate %s without its chain", chain.Serial())
	}
}

// replace stores a new certificate. Until every step is done the item has the status waiting, so that after an interruption the
// steps are repeated from the start (rules STORE-2).
func (j *Order) replace(ctx context.Context, chain pki.Chain, old *pki.Chain) error {
	if j.HasStatus(item.ServiceIssued) {
		if err := j.SetStatus(ctx, item.ServiceWaiting); err != nil {
			return err
		}
	}
	if old != nil && old.Serial() != chain.Serial() && j.Revocation().Serial != old.Serial() { // in place of a revoked one, CAs issue certificates that end on the same day
		if err := j.concludeTermEnd(ctx, chain, *old); err != nil {
			return err
		}
	}
	if err := j.saveCertificate(ctx, chain); err != nil {
		return err
	}
	if old != nil {
		j.leaveOldPairs(ctx, *old, chain)
	}
	return nil
}

// saveCertificate stores the chain as a ZIP and reads it back. If the panel refuses the ZIP or returns something else, it stores
// the chain as PEM (rules STORE-2).
func (j *Order) saveCertificate(ctx context.Context, chain pki.Chain) error {
	archive, err := chain.ZIP()
	if err != nil {
		return err
	}
	if err := j.Panel.SaveCertificateZIP(ctx, j.Item.Item, archive); err != nil {
		if !zipRefused(err) {
			return err
		}
		j.Log.ExtInfof("the panel takes no ZIP (%v), saving PEM", err)
	} else if err := j.readBack(ctx, chain); err == nil || fault.From(err).Type == fault.DB {
		return err
	} else {
		j.Log.Warningf("the ZIP was not read back as saved (%v), saving PEM", err)
	}
	if err := j.Panel.SaveCertificatePEM(ctx, j.Item.Item, chain.PEM()); err != nil {
		return err
	}
	return j.readBack(ctx, chain)
}

// zipRefused reports whether certificate.save failed for a reason that may not apply to PEM: the panel does not know the ZIP
// form, or the archive is too large for a command line (rules PANEL-2).
func zipRefused(err error) bool {
	failure := fault.From(err)
	return !failure.Retry && (failure.Type == fault.Panel || failure.Type == fault.Value)
}

// readBack returns an error unless the database has the certificate that was just saved.
func (j *Order) readBack(ctx context.Context, chain pki.Chain) error {
	text, err := j.Panel.StoredCertificate(ctx, j.Item.Item)
	if err != nil {
		return err
	}
	stored, err := pki.StoredLeaf(text)
	if err != nil {
		return err
	}
	if !bytes.Equal(stored.Leaf.Raw, chain.Leaf.Raw) {
		return fault.Errorf(fault.Panel, "certificate", "the panel stores certificate %s instead of %s", stored.Serial(), chain.Serial()).Retryable()
	}
	j.Item.Stored = text
	return nil
}

// announce writes the data of a stored certificate to the panel: parameters, dates, and the status last, so that an interrupted
// run is repeated from the start (rules STORE-2). before is the certificate that was in place when the run began, nil if there was none.
func (j *Order) announce(ctx context.Context, chain pki.Chain, before *pki.Chain, status seller.OrderStatus) error {
	method, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return err
	}
	params := append(j.TermParams(), j.closedRequest()...)
	params = append(params, j.replacementParams(chain, before)...)
	params = append(params, []item.Param{
		{Name: itemparam.ExpireDate, Value: chain.Ends().String()},
		{Name: itemparam.Serial, Value: chain.Serial()},
		{Name: itemparam.LeafKey, Value: keyDigest(chain)},
		{Name: itemparam.LeafNames, Value: j.namesOf(chain)},
		{Name: itemparam.NotBefore, Value: ""},
		{Name: itemparam.IssuedSince, Value: ""},
		{Name: itemparam.Delivered, Value: j.deliveredType(status.Type)},
		{Name: itemparam.ValidationMethod, Value: method.String()},
		{Name: itemparam.ValidationTime, Value: j.validationTime()},
	}...)
	if err := j.SaveParams(ctx, params...); err != nil {
		return err
	}
	if err := j.expireDate(ctx, chain.Ends()); err != nil {
		return err
	}
	if err := j.putKeyInPanel(ctx); err != nil {
		return err
	}
	if err := j.noteDelivery(ctx, chain); err != nil {
		return err
	}
	if !j.HasStatus(item.ServiceIssued) {
		if err := j.Panel.OpenCertificate(ctx, j.Item.Item); err != nil {
			return err
		}
	}
	j.Log.Infof("certificate %s of %s stored, ends %s, paid until %s", chain.Serial(), j.Info.Title, chain.Ends(), j.TermEnd())
	j.SaveNameWarnings(ctx, nil) // the names are certified, so the warnings are outdated
	if err := j.closeWaitingTask(ctx); err != nil {
		return err
	}
	return j.SetStatus(ctx, item.ServiceIssued)
}

// replacedSerial returns the serial of the certificate that the chain takes the place of; empty if there is none, or if it is known
// already. If before is the chain itself, a killed run has stored it, and certificate_serial or, if that was written already, reissue_of
// has the former serial.
func (j *Order) replacedSerial(chain pki.Chain, before *pki.Chain) string {
	former := []string{j.Item.Params[itemparam.Serial]}
	if before != nil {
		former = []string{before.Serial(), former[0]}
	}
	if pending, ok := j.pendingReissue(); ok && !slices.Contains(strings.Fields(j.Item.Params[itemparam.EarlierSerials]), pending.Serial) {
		former = append(former, pending.Serial)
	}
	for _, serial := range former {
		if serial != "" && serial != chain.Serial() {
			return serial
		}
	}
	return ""
}

// replacementParams returns what is saved about a certificate that was replaced: its serial, and that the attempts were made for it, if
// reissue_tried does not say for which one they were.
func (j *Order) replacementParams(chain pki.Chain, before *pki.Chain) []item.Param {
	replaced := j.replacedSerial(chain, before)
	if replaced == "" {
		return nil
	}
	earlier := earlierSerials(j.Item.Params[itemparam.EarlierSerials], replaced, chain.Serial())
	params := []item.Param{{Name: itemparam.EarlierSerials, Value: earlier}}
	if words := strings.Fields(j.Item.Params[itemparam.ReissueTried]); len(words) == 2 {
		params = append(params, item.Param{Name: itemparam.ReissueTried, Value: strings.Join(append(words, replaced), " ")})
	}
	return params
}

// validationTime returns the time of the last domain validation (RFC 3339, UTC), as far as known: the saved time if the CA may
// have reused that validation (BR 4.2.1), else now.
func (j *Order) validationTime() string {
	known := j.Item.Params[itemparam.ValidationTime]
	at, err := time.Parse(time.RFC3339, known)
	if now := j.Now().UTC(); err != nil || now.Sub(at) > time.Duration(cabforum.ReuseLimit(now))*24*time.Hour {
		return now.Format(time.RFC3339)
	}
	return known
}

// maxEarlier is how many replaced serials are kept: those of the last two years, at 36 days each.
const maxEarlier = 20

// earlierSerials returns the blank-separated list with the serial that is replaced as its last, without the one that replaces it.
func earlierSerials(list, replaced, by string) string {
	serials := slices.DeleteFunc(strings.Fields(list), func(s string) bool { return s == replaced || s == by })
	serials = append(serials, replaced)
	return strings.Join(serials[max(0, len(serials)-maxEarlier):], " ")
}

// concludeTermEnd saves the end of the seller's own term if only that explains the end of a new certificate (rules SWEEP-3): the
// certificate was issued for the last request, ends no later than the stored one, is more than shortTolerance days shorter than
// the Forum allows today and after the next step, and does not end with the item's own term.
func (j *Order) concludeTermEnd(ctx context.Context, chain, old pki.Chain) error {
	if chain.Ends().After(old.Ends()) {
		if known, err := cabforum.ParseDate(j.Item.Params[itemparam.TermEnd]); err == nil && !known.IsZero() && chain.Ends().After(known) {
			return j.SaveParam(ctx, itemparam.TermEnd, "") // a certificate ends later: the saved end was wrong
		}
		return nil
	}
	requested := j.Attempts().Last
	if requested.IsZero() || chain.Leaf.NotBefore.Before(requested.Add(-backdating)) {
		return nil
	}
	allowed := min(cabforum.Cap(j.Now()), cabforum.NextCap(j.Now()))
	if ValidityOf(chain).Days()+shortTolerance >= allowed {
		return nil
	}
	if end := j.TermEnd(); !end.IsZero() && chain.Ends().DaysUntil(end) <= shortTolerance {
		return nil
	}
	j.Log.Warningf("the new certificate %s of %d days ends %s, no later than the old one: the seller's term ends there", chain.Serial(), ValidityOf(chain).Days(), chain.Ends())
	return j.SaveParam(ctx, itemparam.TermEnd, chain.Ends().String())
}

// expireDate writes the item's expiration date (rules STORE-3): the earlier of the certificate's end and the term's end, or the
// term's end if the setting says so.
func (j *Order) expireDate(ctx context.Context, ends cabforum.Date) error {
	mode, err := j.Panel.Setting(ctx, settingExpireDate)
	if err != nil {
		return err
	}
	date := cabforum.Earlier(ends, j.TermEnd())
	switch mode {
	case "", "certificate":
	case "term":
		if until := j.TermEnd(); !until.IsZero() {
			date = until
		}
	default:
		j.Log.Warningf("%s %q is neither certificate nor term; taken as certificate", settingExpireDate, mode)
	}
	return j.Panel.SetExpireDate(ctx, j.Item.Item, date)
}

// nominalDate writes an expiration date before the first certificate is stored: the first day of the term plus the longest
// validity that a certificate may have (docs/reference/validity.md §B3.3).
func (j *Order) nominalDate(ctx context.Context) error {
	if j.Item.Stored != "" {
		return nil
	}
	start := j.TermStart()
	return j.expireDate(ctx, start.AddDays(cabforum.Cap(start.Midnight())))
}

// deliveredType returns the seller's name of the delivered product. The spelling in the purchase's answer is kept if only upper
// and lower case differ (docs/reference/namecheap.md §3.3).
func (j *Order) deliveredType(name string) string {
	saved := j.Item.Params[itemparam.Delivered]
	if name == "" || strings.EqualFold(name, saved) {
		return saved
	}
	if saved != "" {
		j.Log.Infof("%s delivered %q, the purchase's answer said %q", j.Info.Title, name, saved)
	}
	return name
}

// ValidityOf returns the validity period of a certificate.
func ValidityOf(stored pki.Chain) *cabforum.Validity {
	return &cabforum.Validity{NotBefore: stored.Leaf.NotBefore, NotAfter: stored.Leaf.NotAfter}
}
