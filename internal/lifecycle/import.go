package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/pki"
	"pmssl/internal/purchase"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
	"pmssl/internal/xmldoc"
)

// importStep is the number of certificates after which the log shows the progress of an import.
const importStep = 50

// itemActive is item.status of an active item (docs/reference/billmanager.md §4).
const itemActive = 2

// importer is one import: certificates of the seller's account become items of the panel.
type importer struct {
	*item.Run
	seller   seller.Seller
	account  *Order // an Order without an item, to read the owners of the account's ids
	owners   purchase.OwnerIndex
	held     *heldKeys      // keys and serials of the panel's items; nil until a certificate is to be imported
	second   map[int64]bool // items that an administrator was told to delete
	found    int            // certificates in the list that the search words name
	imported int            // new items
	resumed  int            // items of an interrupted import that were completed
	skipped  int
	failed   int
	failures *etree.Element // collects the certificates that failed, and those whose key or serial an item holds
}

// Import imports the account's certificates that no panel item references (docs/reference/billmanager.md §11): those
// that are issued, all of them or those that --searchstring names. Running it again imports nothing twice and completes what an
// interruption left unfinished. A certificate that cannot be imported does not stop the others; the document and the exit
// code report it.
func Import(ctx context.Context, run *item.Run) (*etree.Document, error) {
	if run.Args.ItemType != item.ItemtypeCertificate {
		return nil, fault.Errorf(fault.Value, "itemtype", "items of the type %q are not imported, only certificate", item.Brief(run.Args.ItemType))
	}
	theSeller, err := item.Dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.CertificateLister)
	if !ok {
		return nil, item.Unsupported(run, "listing certificates")
	}
	// The sweep's lock excludes a second import, which would find the same ids without an item. The account's lock is not
	// used: it would keep purchases waiting as long as the import runs.
	free, err := run.Panel.LockSweep(ctx)
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, fault.Errorf(fault.Locked, "import", "a sweep or another import is running: start this one again later").Retryable()
	}
	// The list is read before the items: a purchase made meanwhile is not in the list, or its id is on its item already.
	listed, err := lister.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	t := &importer{Run: run, seller: theSeller, second: map[int64]bool{}, account: FromHandle(&item.Handle{
		Run: run, Log: run.Log, Seller: theSeller, Account: theSeller.Account(), Item: item.Item{Module: run.Args.Module}})}
	if t.owners, err = t.account.OwnerIndex(ctx, nil); err != nil {
		return nil, err
	}
	doc := xmldoc.New()
	t.failures = doc.Root()
	if err := t.all(ctx, selectNamed(listed, run.Args.Search)); err != nil {
		return nil, err
	}
	xmldoc.SetAttributes(doc.Root(), "found", t.found, "imported", t.imported, "completed", t.resumed, "skipped", t.skipped, "failed", t.failed)
	run.Failed = t.failed > 0
	run.Summary = fmt.Sprintf("found %d, imported %d, completed %d, skipped %d, failed %d", t.found, t.imported, t.resumed, t.skipped, t.failed)
	if run.TextOutput() {
		run.Print = importText(run, doc.Root())
		return nil, nil
	}
	return doc, nil
}

// importText returns the counts of an import and the certificates that failed, for people.
func importText(run *item.Run, root *etree.Element) string {
	text := run.Summary + "\n"
	var rows [][]terminal.Cell
	for _, failure := range root.ChildElements() {
		rows = append(rows, []terminal.Cell{
			terminal.Text(failure.SelectAttrValue("id", "")), terminal.Text(failure.SelectAttrValue("name", "")),
			{Text: item.DisplayLine(failure.SelectAttrValue("reason", ""), item.MaxWarning), Style: run.Styles.Red},
		})
	}
	if len(rows) == 0 {
		return text
	}
	table := terminal.Table{Styles: run.Styles, Wrap: true, Columns: []terminal.Column{{Title: "id", Right: true}, {Title: "name", Max: item.MaxName}, {Title: "why it failed"}}}
	return text + "\n" + table.Render(rows)
}

// selectNamed returns the certificates that the search words name; all of them without search words.
func selectNamed(listed []seller.ListedCertificate, search string) []seller.ListedCertificate {
	words := strings.FieldsFunc(search, func(r rune) bool { return strings.ContainsRune(" \t\r\n\\", r) })
	if len(words) == 0 {
		return listed
	}
	names := map[string]bool{}
	for _, word := range words {
		names[canonical(word)] = true
	}
	return slices.DeleteFunc(slices.Clone(listed), func(l seller.ListedCertificate) bool { return !names[canonical(l.CommonName)] })
}

// canonical returns a name in A-labels, as certificates have it; in lower case if that is not possible.
func canonical(name string) string {
	if ascii, err := pki.ASCIIName("name", name); err == nil {
		return ascii
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// all imports the listed certificates, one after the other.
func (t *importer) all(ctx context.Context, listed []seller.ListedCertificate) error {
	t.found = len(listed)
	t.Log.Infof("import: %d certificates of %s to check", t.found, t.Info.Title)
	for i, l := range listed {
		err := ctx.Err()
		if err == nil {
			err = t.one(ctx, l)
		}
		if over := ctx.Err(); item.Interrupted(over, err) {
			return fault.Errorf(fault.Interrupted, "import", "interrupted after %d of %d certificates, the next import goes on: %w", i, t.found, over).Retryable()
		}
		if err != nil {
			t.failed++
			t.Log.Errorf("import: id %d of %s: %v", l.ID, item.DisplayLine(l.CommonName, item.MaxName), err)
			failure := t.failures.CreateElement("certificate")
			xmldoc.SetAttributes(failure, "id", l.ID, "name", l.CommonName, "reason", err)
			if fault.From(err).SellerFails() { // each further one would fail too, and slowly (rules SWEEP-9)
				t.Log.Errorf("import: stopped after %d of %d certificates, because %s does not work for this account now: the next import goes on", i+1, t.found, t.Info.Title)
				return nil
			}
		}
		if (i+1)%importStep == 0 {
			t.Log.Infof("import: %d of %d certificates", i+1, t.found)
		}
	}
	return nil
}

// one imports a certificate, completes an unfinished import of it, or skips it.
func (t *importer) one(ctx context.Context, l seller.ListedCertificate) error {
	name := item.DisplayLine(l.CommonName, item.MaxName)
	if l.State != seller.StateIssued && !l.IssuanceUnknown || l.ID <= 0 {
		t.Log.ExtInfof("import: id %d of %s is %s: skipped", l.ID, name, l.State)
		t.skipped++
		return nil
	}
	it, why, err := t.owners.Owner(ctx, l)
	if err != nil {
		return err
	}
	if items := t.owners.Sharing(l); len(items) > 1 {
		done, err := t.resumeOne(ctx, l, items)
		return t.count(done, "", l, err)
	}
	if it != 0 {
		done, err := t.resume(ctx, l, it)
		return t.count(done, fmt.Sprintf("%s item %d", why, it), l, err)
	}
	if l.Template == "" {
		t.Log.Warningf("import: id %d of %s is %q, which is not a product of this module: skipped", l.ID, name, item.DisplayLine(l.Type, item.MaxName))
		t.skipped++
		return nil
	}
	done, err := t.create(ctx, l)
	return t.count(done, "", l, err)
}

// outcome is what was done with one certificate of the list.
type outcome int

const (
	outcomeSkipped outcome = iota
	outcomeImported
	outcomeResumed
)

// count counts an outcome and returns err, unless err is errNotIssued. why is the reason if the certificate was skipped, "" if the log
// says it already.
func (t *importer) count(done outcome, why string, l seller.ListedCertificate, err error) error {
	switch {
	case errors.Is(err, errNotIssued):
		done, why = outcomeSkipped, err.Error()
	case err != nil:
		return err
	}
	switch done {
	case outcomeImported:
		t.imported++
	case outcomeResumed:
		t.resumed++
	default:
		if why != "" {
			t.Log.ExtInfof("import: id %d of %s %s", l.ID, item.DisplayLine(l.CommonName, item.MaxName), why)
		}
		t.skipped++
	}
	return nil
}
