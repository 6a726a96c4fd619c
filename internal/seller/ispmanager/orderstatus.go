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

// orderPage is what the remote shows of one order: its row of the list and the form certificate.edit
// (docs/reference/ispmanager.md §5).
type orderPage struct {
	row    row
	listed bool // whether the list has the order
	form   form
	edit   bool // whether the form could be read
	gone   bool // the remote says that the order does not exist
}

// OrderStatus returns the state of an order, with the certificate if it was issued. An order that the remote no longer
// has is StateCancelled with the text "deleted" (docs/reference/ispmanager.md §8).
func (c *Client) OrderStatus(ctx context.Context, id int64) (seller.OrderStatus, error) {
	s, err := c.orderPage(ctx, id)
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
	readable := err == nil // an order is issued if its certificate can be read (docs/reference/ispmanager.md §15.6)
	if readable {
		r.PEM = certificates
	}
	r.State = s.state(readable && s.matchesCSR(leaf))
	switch {
	case readable:
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

// unreadable completes the status of an order whose certificate was delivered and cannot be read.
func (s orderPage) unreadable(r *seller.OrderStatus, why error) {
	if !s.underWay() {
		r.State = seller.StateWaiting
		r.DeliveryError = fault.Errorf(fault.Delivered, "crt", "%s delivered a certificate for the order %d that cannot be read: %w", Title, r.ID, why)
	}
}

// missing completes the status of an order without a certificate. failure is why it could not be fetched; nil if it is
// not there yet.
func (s orderPage) missing(r *seller.OrderStatus, failure error) {
	switch {
	case s.underWay() || s.service() != serviceIssued:
	case failure != nil:
		r.DeliveryError = fault.Errorf(fault.API, "crt", "%s reports the order %d as issued, and its certificate cannot be fetched: %w", Title, r.ID, failure).Retryable()
	default:
		r.CertificateMissing = true
	}
}

// orderPage reads the row and the form. It returns an error if neither can be read.
func (c *Client) orderPage(ctx context.Context, id int64) (orderPage, error) {
	s := orderPage{}
	var err error
	if s.row, s.listed, err = c.listedRow(ctx, id); err != nil {
		return orderPage{}, err
	}
	if s.listed && s.row.item.number == itemDeleted {
		return s, nil
	}
	reply, err := c.read(ctx, functionEdit, element(id))
	refused := failureIn(err)
	switch {
	case err == nil:
		s.form, s.edit = formOf(functionEdit, reply), true
	case refused.notFound() && !s.listed:
		s.gone = true
	case refused != nil && !refused.refusesAccess() && s.listed:
		c.log.Warningf("%s does not show the order %d: %v", Title, id, err)
	default:
		return orderPage{}, err
	}
	return s, nil
}

// listedRow returns the order's row of the list. If the recent list lacks it, the list is read again. It returns false
// if there is no such row.
func (c *Client) listedRow(ctx context.Context, id int64) (row, bool, error) {
	for range 2 {
		rows, err := c.recentRows(ctx)
		if err != nil {
			return row{}, false, err
		}
		if at := slices.IndexFunc(rows, func(r row) bool { return r.id == id }); at >= 0 {
			return rows[at], true, nil
		}
		c.rows.drop()
	}
	return row{}, false, nil
}

func (s orderPage) item() itemStatus {
	if s.listed {
		return s.row.item
	}
	return itemStatusOf(s.form.root)
}

func (s orderPage) service() int {
	if own := serviceStatusOf(s.form.value("service_status")); own != 0 {
		return own
	}
	return s.row.service
}

// state returns the state from the statuses and from whether the order's certificate was issued
// (docs/reference/ispmanager.md §5): without service_status nothing else shows that.
func (s orderPage) state(issued bool) seller.State {
	state := stateOf(s.item(), s.service())
	switch {
	case state == seller.StateIssued && !issued:
		return seller.StateWaiting
	case s.service() == 0 && issued && s.item().task == "" && (state == seller.StateWaiting || state == seller.StateUnknown):
		return seller.StateIssued
	}
	return state
}

// deleted reports whether the remote no longer has the order.
func (s orderPage) deleted() bool { return s.gone || s.listed && s.row.item.number == itemDeleted }

// mayBeIssued reports whether, by the statuses, there may be a certificate to download.
func (s orderPage) mayBeIssued() bool {
	return s.service() == serviceIssued || s.service() == 0 && s.item().number != itemProcessing
}

// underWay reports whether the statuses say that the remote works on the order.
func (s orderPage) underWay() bool {
	service := s.service()
	return s.item().number == itemProcessing || service == serviceRequested || service == serviceWaiting
}

// matchesCSR reports whether the certificate has the key of the CSR in the form. During a reissue the form has the new
// CSR and still the old certificate.
func (s orderPage) matchesCSR(leaf pki.Chain) bool {
	csr, err := pki.ReadCSR(s.form.value("csr"))
	if err != nil || s.service() != 0 || s.item().number != itemProcessing {
		return true
	}
	return csr.SameKey(leaf.Leaf.PublicKey)
}

func (s orderPage) status(id int64) seller.OrderStatus {
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
		r.StatusText += "; unpublishable challenges: " + plaintext.Clip(strings.Join(refused, ", "), 300)
	}
	return r
}

// renews reports whether autoprolong is on: it is a number of months, or off in one of several spellings
// (docs/reference/ispmanager.md §1.4).
func renews(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "null", "0", "off", "no":
		return false
	}
	return true
}

// certificates returns the texts of the form that hold certificates, the field crt first (docs/reference/ispmanager.md
// §5).
func (s orderPage) certificates() []string {
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

// names returns the names to validate.
func (s orderPage) names(commonName string) []string {
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
