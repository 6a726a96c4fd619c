package ispmanager

import (
	"context"
	"errors"
	"slices"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/cert"
)

const functionEdit = "certificate.edit"

// sheet is what the remote shows of one order: its row of the list and the form certificate.edit (§5).
type sheet struct {
	row    row
	listed bool // whether the list has the row
	form   form
	edit   bool // whether the form could be read
	gone   bool // the remote says that it does not exist
}

// Report tells where an order stands, with the certificate where there is one. An order that the remote does not know any
// more is StateCancelled with the word "deleted" (§8).
func (c *Client) Report(ctx context.Context, id int64) (cert.Report, error) {
	s, err := c.sheet(ctx, id)
	if err != nil {
		return cert.Report{}, err
	}
	if s.gone || s.listed && s.row.item.number == itemDeleted {
		return cert.Report{ID: id, State: cert.StateCancelled, Words: "deleted", Type: s.row.product, CommonName: s.row.name, SANs: -1}, nil
	}
	r := s.report(id)
	if r.State == cert.StateUnpaid || r.State == cert.StateRefused {
		return r, nil
	}
	certificates, failure := s.certificates(), error(nil)
	if len(certificates) == 0 && (s.service() == serviceIssued || s.service() == 0 && s.item().number != itemProcessing) {
		certificates, failure = c.download(ctx, id)
	}
	leaf, err := cert.StoredLeaf(strings.Join(certificates, "\n"))
	came := err == nil // "issued" is a certificate that came and can be read (§15.6)
	if came {
		r.PEM = certificates
	}
	r.State = s.state(came && s.shows(leaf))
	switch {
	case came:
	case len(certificates) > 0 && !errors.Is(err, cert.ErrNoCertificate):
		s.unreadable(&r, err)
	default:
		s.missing(&r, failure)
	}
	if r.State == cert.StateUnknown {
		c.log.Warningf("%s gives the order %d the unknown status %q", Title, id, r.Words)
	}
	return r, nil
}

// unreadable fills a report about an order whose certificate was delivered and cannot be read.
func (s sheet) unreadable(r *cert.Report, why error) {
	if !s.underWay() {
		r.State = cert.StateWaiting
		r.Undelivered = cert.Faultf(cert.FaultDelivered, "crt", "%s delivers a certificate of the order %d that cannot be read: %w", Title, r.ID, why)
	}
}

// missing fills a report about an order of which no certificate came; failure is nil where it is not there yet.
func (s sheet) missing(r *cert.Report, failure error) {
	switch {
	case s.underWay() || s.service() != serviceIssued:
	case failure != nil:
		r.Undelivered = cert.Faultf(cert.FaultAPI, "crt", "%s calls the order %d issued, and its certificate cannot be fetched: %w", Title, r.ID, failure).Again()
	default:
		r.Empty = true
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

// listedRow is the order's row of the list, read anew where the last reading does not have it; false where it is not there.
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

// state is what the statuses say, completed by whether a certificate came (§5): where no service_status is shown nothing
// else tells that it was issued.
func (s sheet) state(came bool) cert.State {
	state := stateOf(s.item(), s.service())
	switch {
	case state == cert.StateIssued && !came:
		return cert.StateWaiting
	case s.service() == 0 && came && s.item().task == "" && (state == cert.StateWaiting || state == cert.StateUnknown):
		return cert.StateIssued
	}
	return state
}

// underWay tells whether the statuses say that the remote works on the order.
func (s sheet) underWay() bool {
	service := s.service()
	return s.item().number == itemProcessing || service == serviceRequested || service == serviceWaiting
}

// shows tells whether a certificate belongs to the CSR that is shown beside it. During a reissue that is the new one, and
// the old certificate stays in place.
func (s sheet) shows(leaf cert.Chain) bool {
	csr, err := cert.ReadCSR(s.form.value("csr"))
	if err != nil || s.service() != 0 || s.item().number != itemProcessing {
		return true
	}
	return csr.SameKey(leaf.Leaf.PublicKey)
}

func (s sheet) report(id int64) cert.Report {
	r := cert.Report{
		ID: id, Type: s.row.product, Months: s.row.months, Expires: s.row.expires, CommonName: s.row.name, SANs: -1,
		Words: stateWords(s.item(), s.service()), State: stateOf(s.item(), s.service()), Renews: renews(s.row.prolongs),
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
		r.Renews = renews(f.value("autoprolong"))
	}
	if stored, err := cert.StoredLeaf(strings.Join(s.certificates(), "\n")); err == nil {
		r.Issued = cabforum.DateOf(stored.Leaf.NotBefore)
	}
	var refused []string
	r.Proofs, refused = proofsOf(f, s.names(r.CommonName))
	if len(refused) > 0 {
		r.Words += "; not publishable: " + clip(strings.Join(refused, ", "), 300)
	}
	return r
}

// renews reads autoprolong: months, or off in one of its spellings (§1.4).
func renews(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "null", "0", "off", "no":
		return false
	}
	return true
}

// certificates are the texts of the form that carry any, the field crt first (§5).
func (s sheet) certificates() []string {
	if !s.edit {
		return nil
	}
	if found, err := cert.StoredPEM(s.form.value("crt")); err == nil {
		return found
	}
	var found []string
	for _, name := range s.form.names {
		if text := s.form.fields[name]; name != "key" && cert.HoldsCertificates(text) {
			found = append(found, text)
		}
	}
	return found
}

// names are those whose control is to be proved.
func (s sheet) names(commonName string) []string {
	list := cert.SplitNames(s.form.value(cert.ParamDomains))
	if len(list) == 0 {
		list = append([]string{commonName}, strings.Fields(s.form.value(cert.ParamAltName))...)
	}
	var names []string
	for _, name := range list {
		if name = hostName(words(name)); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
