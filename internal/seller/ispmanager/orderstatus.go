package ispmanager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
	"pmssl/internal/seller"
)

const functionEdit = "certificate.edit"

// sheet is what the remote shows of one order: its row of the list and the form certificate.edit
// (docs/reference/ispmanager.md §5).
type sheet struct {
	row    row
	listed bool // whether the list has the row
	form   form
	edit   bool // whether the form could be read
	gone   bool // the remote says that it does not exist
}

// OrderStatus returns where an order stands, with the certificate where there is one. An order that the remote does not
// know any more is StateCancelled with the word "deleted" (docs/reference/ispmanager.md §8).
func (c *Client) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	s, err := c.sheet(ctx, id)
	if err != nil {
		return seller.OrderStatus{}, err
	}
	if s.deleted() {
		return seller.OrderStatus{ID: id, State: seller.StateCancelled, StatusText: "deleted", Type: s.row.product, CommonName: s.row.name, SANs: -1}, nil
	}
	r := s.status(id)
	if r.State == seller.StateUnpaid || r.State == seller.StateRefused {
		return r, nil
	}
	certificates, failure := s.certificates(), error(nil)
	if len(certificates) == 0 && s.mayBeIssued() {
		certificates, failure = c.download(ctx, id)
	}
	leaf, err := pki.StoredLeaf(strings.Join(certificates, "\n"))
	came := err == nil // "issued" is a certificate that came and can be read (docs/reference/ispmanager.md §15.6)
	if came {
		r.PEM = certificates
	}
	r.State = s.state(came && s.shows(leaf))
	switch {
	case came:
	case len(certificates) > 0 && !errors.Is(err, pki.ErrNoCertificate):
		s.unreadable(&r, err)
	default:
		s.missing(&r, failure)
	}
	c.warnUnknown(r)
	return r, nil
}

// warnUnknown warns of a status that the module does not know.
func (c *Client) warnUnknown(r seller.OrderStatus) {
	if r.State == seller.StateUnknown {
		c.log.Warningf("%s gives the order %d the unknown status %q", Title, r.ID, r.StatusText)
	}
}

// unreadable fills a report about an order whose certificate was delivered and cannot be read.
func (s sheet) unreadable(r *seller.OrderStatus, why error) {
	if !s.underWay() {
		r.State = seller.StateWaiting
		r.DeliveryError = fault.Errorf(fault.Delivered, "crt", "%s delivers a certificate of the order %d that cannot be read: %w", Title, r.ID, why)
	}
}

// missing fills a report about an order whose certificate did not come; failure is nil if it is not there yet.
func (s sheet) missing(r *seller.OrderStatus, failure error) {
	switch {
	case s.underWay() || s.service() != serviceIssued:
	case failure != nil:
		r.DeliveryError = fault.Errorf(fault.API, "crt", "%s calls the order %d issued, and its certificate cannot be fetched: %w", Title, r.ID, failure).Retryable()
	default:
		r.CertificateMissing = true
	}
}

// sheet reads the row and the form. Fault where neither can be read.
func (c *Client) sheet(ctx context.Context, id int64) (sheet, error) {
	s := sheet{}
	var err error
	if s.row, s.listed, err = c.listedRow(ctx, id); err != nil {
		return sheet{}, err
	}
	if s.listed && s.row.item.number == itemDeleted {
		return s, nil
	}
	reply, err := c.read(ctx, functionEdit, element(id))
	refused := failureIn(err)
	switch {
	case err == nil:
		s.form, s.edit = formOf(functionEdit, reply), true
	case refused.gone() && !s.listed:
		s.gone = true
	case refused != nil && !refused.shutsOut() && s.listed:
		c.log.Warningf("%s does not show the order %d: %v", Title, id, err)
	default:
		return sheet{}, err
	}
	return s, nil
}

// listedRow returns the order's row of the list, read anew where the last reading does not have it; false if it is not
// there.
func (c *Client) listedRow(ctx context.Context, id int64) (row, bool, error) {
	for range 2 {
		rows, err := c.recentRows(ctx)
		if err != nil {
			return row{}, false, err
		}
		if at := slices.IndexFunc(rows, func(r row) bool { return r.id == id }); at >= 0 {
			return rows[at], true, nil
		}
		c.forgetRows()
	}
	return row{}, false, nil
}

func (s sheet) item() itemStatus {
	if s.listed {
		return s.row.item
	}
	return itemStatusOf(s.form.root)
}

func (s sheet) service() int {
	if own := serviceStatusOf(s.form.value("service_status")); own != 0 {
		return own
	}
	return s.row.service
}

// state returns what the statuses say, completed by whether a certificate came (docs/reference/ispmanager.md §5): where no
// service_status is shown nothing else tells that it was issued.
func (s sheet) state(came bool) seller.State {
	state := stateOf(s.item(), s.service())
	switch {
	case state == seller.StateIssued && !came:
		return seller.StateWaiting
	case s.service() == 0 && came && s.item().task == "" && (state == seller.StateWaiting || state == seller.StateUnknown):
		return seller.StateIssued
	}
	return state
}

// deleted reports whether the remote does not have the order any more.
func (s sheet) deleted() bool { return s.gone || s.listed && s.row.item.number == itemDeleted }

// mayBeIssued reports whether the statuses leave it possible that there is a certificate to download.
func (s sheet) mayBeIssued() bool {
	return s.service() == serviceIssued || s.service() == 0 && s.item().number != itemProcessing
}

// underWay reports whether the statuses say that the remote works on the order.
func (s sheet) underWay() bool {
	service := s.service()
	return s.item().number == itemProcessing || service == serviceRequested || service == serviceWaiting
}

// shows reports whether a certificate belongs to the CSR that is shown beside it. During a reissue that is the new one, and
// the old certificate stays in place.
func (s sheet) shows(leaf pki.Chain) bool {
	csr, err := pki.ReadCSR(s.form.value("csr"))
	if err != nil || s.service() != 0 || s.item().number != itemProcessing {
		return true
	}
	return csr.SameKey(leaf.Leaf.PublicKey)
}

func (s sheet) status(id int64) seller.OrderStatus {
	r := seller.OrderStatus{
		ID: id, Type: s.row.product, Months: s.row.months, Expires: s.row.expires, CommonName: s.row.name, SANs: -1,
		StatusText: stateWords(s.item(), s.service()), State: stateOf(s.item(), s.service()), AutoRenews: renews(s.row.prolongs),
		Inferred: s.service() == 0,
	}
	if !s.edit {
		return r
	}
	f := s.form
	if months := monthsOf(f.value("period")); months > 0 {
		r.Months = months
	}
	for _, name := range []string{"real_expiredate", "expiredate"} {
		if date := dateOf(f.value(name)); r.Expires.IsZero() {
			r.Expires = date
		}
	}
	if name := f.value("CN"); name != "" {
		r.CommonName = hostName(words(name))
	}
	if r.Type == "" {
		r.Type = words(f.value("pricelist_name"))
	}
	if csr := f.value("csr"); strings.Contains(csr, "-----BEGIN") {
		r.CSR = csr
	}
	if _, shown := f.fields["autoprolong"]; shown {
		r.AutoRenews = renews(f.value("autoprolong"))
	}
	if stored, err := pki.StoredLeaf(strings.Join(s.certificates(), "\n")); err == nil {
		r.Issued = cabforum.DateOf(stored.Leaf.NotBefore)
	}
	var refused []string
	r.Challenges, refused = challengesOf(f, s.names(r.CommonName))
	if len(refused) > 0 {
		r.StatusText += "; not publishable: " + plaintext.Clip(strings.Join(refused, ", "), 300)
	}
	return r
}

// renews reads autoprolong: months, or off in one of its spellings (docs/reference/ispmanager.md §1.4).
func renews(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "null", "0", "off", "no":
		return false
	}
	return true
}

// certificates returns the texts of the form that carry any, the field crt first (docs/reference/ispmanager.md §5).
func (s sheet) certificates() []string {
	if !s.edit {
		return nil
	}
	if found, err := pki.StoredPEM(s.form.value("crt")); err == nil {
		return found
	}
	var found []string
	for _, name := range s.form.names {
		if text := s.form.fields[name]; name != "key" && pki.HoldsCertificates(text) {
			found = append(found, text)
		}
	}
	return found
}

// names returns those whose control is to be proved.
func (s sheet) names(commonName string) []string {
	list := seller.SplitNames(s.form.value(itemparam.Domains))
	if len(list) == 0 {
		list = append([]string{commonName}, strings.Fields(s.form.value(itemparam.AltName))...)
	}
	var names []string
	for _, name := range list {
		if name = hostName(words(name)); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
