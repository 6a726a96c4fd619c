package ispmanager_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

func editForm(fields string) reply { return says(doc("certificate.edit", fields)) }

func TestOrderStates(t *testing.T) {
	s := newSigner(t)
	csr, leaf := s.csr(t, pkix.Name{CommonName: "www.example.org"}), s.leaf(t, "www.example.org")
	other := newSigner(t).csr(t, pkix.Name{CommonName: "www.example.org"})
	for name, tc := range map[string]struct {
		status int
		row    string
		sheet  string
		want   seller.State
		pem    int
	}{
		"unpaid":                          {1, "", ``, seller.StateUnpaid, 0},
		"waiting":                         {5, "<service_status>4</service_status>", ``, seller.StateWaiting, 0},
		"issued":                          {2, "<service_status>5</service_status>", `<crt>` + leaf + `</crt>`, seller.StateIssued, 1},
		"issued without a certificate":    {2, "<service_status>5</service_status>", ``, seller.StateWaiting, 0},
		"issued with what is none":        {2, "<service_status>5</service_status>", "<crt>-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----</crt>", seller.StateWaiting, 0},
		"status in the sheet alone":       {2, "", `<service_status>5</service_status><crt>` + leaf + `</crt>`, seller.StateIssued, 1},
		"active alone":                    {2, "", ``, seller.StateWaiting, 0},
		"active with a certificate":       {2, "", `<crt>` + leaf + `</crt>`, seller.StateIssued, 1},
		"reissue, the old one is shown":   {5, "<service_status>3</service_status>", `<crt>` + leaf + `</crt>`, seller.StateWaiting, 1},
		"processing, for the CSR":         {5, "", `<crt>` + leaf + `</crt><csr>` + csr + `</csr>`, seller.StateIssued, 1},
		"processing, for another CSR":     {5, "", `<crt>` + leaf + `</crt><csr>` + other + `</csr>`, seller.StateWaiting, 1},
		"reissue by its word":             {5, "<item_real_status>item_status_5_reopen</item_real_status>", `<crt>` + leaf + `</crt>`, seller.StateWaiting, 1},
		"refused":                         {2, "<service_status>6</service_status>", ``, seller.StateRefused, 0},
		"deleted":                         {4, "", ``, seller.StateCancelled, 0},
		"certificate in another field":    {2, "", `<certificate>` + leaf + `</certificate><key>` + leaf + `</key>`, seller.StateIssued, 1},
		"certificate as a packed archive": {2, "", `<crt>` + base64.StdEncoding.EncodeToString(packed(t, leaf)) + `</crt>`, seller.StateIssued, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate": listed(row(7, "www.example.org", tc.status, tc.row)), "certificate.edit": editForm(tc.sheet)})
			status, err := r.OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Equal(t, tc.want, status.State, status.StatusText)
			assert.Len(t, status.PEM, tc.pem)
			assert.Equal(t, "www.example.org", status.CommonName)
		})
	}
}

// Rules STORE-8: the status of an issued order says whether its certificate is missing or unreadable. For an order on which
// the remote works it says neither.
func TestAnIssuedOrderWithoutAReadableCertificate(t *testing.T) {
	const broken = "<crt>-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----</crt>"
	for name, tc := range map[string]struct {
		status            int
		row, sheet        string
		unreadable, empty bool
	}{
		"what is delivered cannot be read":    {status: 2, row: "<service_status>5</service_status>", sheet: broken, unreadable: true},
		"the same without a service_status":   {status: 2, sheet: broken, unreadable: true},
		"the same while a reissue is running": {status: 5, row: "<service_status>3</service_status>", sheet: broken},
		"nothing is there":                    {status: 2, row: "<service_status>5</service_status>", empty: true},
		"nothing is there and it waits":       {status: 5, row: "<service_status>4</service_status>"},
		"nothing is there and nothing known":  {status: 2},
	} {
		t.Run(name, func(t *testing.T) {
			missed := says(refusal("missed", "crt", "none"))
			r := newRemote(t, map[string]reply{
				"certificate":        says(doc("certificate", toolbar("certificate.edit", "certificate.getcrt")+row(7, "www.example.org", tc.status, tc.row)+`<p_elems>1</p_elems>`)),
				"certificate.edit":   editForm(tc.sheet),
				"certificate.getcrt": missed,
			})
			status, err := r.OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Equal(t, seller.StateWaiting, status.State)
			assert.Equal(t, tc.empty, status.CertificateMissing)
			if !tc.unreadable {
				assert.NoError(t, status.DeliveryError)
				return
			}
			failure := fault.From(status.DeliveryError)
			assert.Equal(t, fault.Delivered, failure.Type)
			assert.False(t, failure.Retry)
		})
	}
}

func packed(t *testing.T, pem string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	file, err := archive.Create("leaf.crt")
	require.NoError(t, err)
	_, err = file.Write([]byte(pem))
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	return buffer.Bytes()
}

func TestOrdersThatDoNotExist(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate.edit": says(refusal("missed", "elid", "does not exist"))})
	status, err := r.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, seller.OrderStatus{ID: 7, State: seller.StateCancelled, StatusText: "deleted", SANs: -1}, status)
	for _, answer := range []string{refusal("access", "deny", "no"), refusal("missed", "func", "no such function")} {
		r.set("certificate.edit", says(answer))
		_, err = r.OrderStatus(t.Context(), 7)
		requireFault(t, err, fault.API)
	}
	r.set("certificate", listed(row(7, "www.example.org", 5, "")))
	status, err = r.OrderStatus(t.Context(), 7)
	require.NoError(t, err, "the list alone tells")
	assert.Equal(t, seller.StateWaiting, status.State)
}

// A sweep reads the status of many orders: the list is read once for all, and again after a submission.
func TestOrderStatusReadsTheListOnce(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate": listed(row(7, "www.example.org", 5, ""), row(8, "b.example.org", 5, "")), "certificate.edit": editForm(""),
		"certificate.delete": says(doc("certificate.delete", `<ok/>`))})
	status := func(id int64, want int) {
		t.Helper()
		_, err := r.OrderStatus(t.Context(), id)
		require.NoError(t, err)
		assert.Equal(t, want, r.count("certificate"))
	}
	status(7, 1)
	status(8, 1)
	r.pass(time.Minute)
	status(8, 2)
	require.NoError(t, r.Cancel(t.Context(), 8))
	status(8, 3)
	_, err := r.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 4, r.count("certificate"), "before a purchase it is read anew")
}

func TestFieldsOfOrderStatus(t *testing.T) {
	s := newSigner(t)
	r := newRemote(t, map[string]reply{
		"certificate": listed(row(7, "WWW.example.org", 2, "<expiredate>2027-10-01</expiredate><service_status>5</service_status>")),
		"certificate.edit": editForm(`<autoprolong>12</autoprolong><altname>a.example.org b.example.org</altname><csr>` + s.csr(t, pkix.Name{CommonName: "www.example.org"}) + `</csr><crt>` + s.leaf(t, "www.example.org") +
			`</crt><auth_dnscname_name>_x.www.example.org</auth_dnscname_name><auth_dnscname_value>y.ca.example</auth_dnscname_value><auth_http_name>../x</auth_http_name><auth_http_value>v</auth_http_value>`),
	})
	status, err := r.OrderStatus(t.Context(), 7)
	require.NoError(t, err)
	assert.True(t, status.AutoRenews)
	assert.Equal(t, -1, status.SANs)
	assert.Equal(t, 12, status.Months)
	assert.Equal(t, "2026-07-12 2027-10-01", status.Issued.String()+" "+status.Expires.String())
	assert.Contains(t, status.CSR, "BEGIN CERTIFICATE REQUEST")
	assert.Equal(t, "Sectigo (ex Comodo) PositiveSSL", status.Type)
	assert.Equal(t, []seller.Challenge{{Domain: "www.example.org", Method: seller.MethodDNS, ApproverMethod: "auth_dnscname", Host: "_x.www.example.org", Record: "CNAME", Target: "y.ca.example"}}, status.Challenges)
	assert.Contains(t, status.StatusText, "unpublishable challenges: auth_http: the file's name ../x")
}

// The function for the certificate has different names on each installation, and the file different forms
// (docs/reference/ispmanager.md §5).
func TestDownloadedCertificates(t *testing.T) {
	leaf := newSigner(t).leaf(t, "www.example.org")
	raw := packed(t, leaf)
	for name, tc := range map[string]struct {
		body string
		pem  int
	}{
		"PEM": {leaf, 1}, "archive": {string(raw), 1}, "archive in base64": {base64.StdEncoding.EncodeToString(raw), 1},
		"document": {doc("certificate.getcrt", `<crt>`+leaf+`</crt>`), 1}, "refusal": {refusal("access", "deny", "no"), 0},
		"page": {`<html>no</html>`, 0}, "nothing": {"", 0}, "another document": {`<doc><a>b</a></doc>`, 0}, "noise": {"\x00\xff", 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows := doc("certificate", toolbar("certificate.edit", "certificate.getcrt")+row(7, "www.example.org", 2, "")+`<p_elems>1</p_elems>`)
			r := newRemote(t, map[string]reply{"certificate": says(rows), "certificate.edit": editForm(`<CN>www.example.org</CN>`),
				"certificate.getcrt": func(w http.ResponseWriter, _ url.Values) { _, _ = w.Write([]byte(tc.body)) }})
			status, err := r.OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Len(t, status.PEM, tc.pem)
			assert.Equal(t, tc.pem == 1, status.State == seller.StateIssued)
		})
	}
}

// certificate.file may be a list of files, each of which is downloaded with the function of the rows by the row's key
// (docs/reference/ispmanager.md §5). A private key in the list is never downloaded.
func TestCertificatesInAListOfFiles(t *testing.T) {
	signer := newSigner(t)
	leaf := signer.leaf(t, "www.example.org")
	file := func(id, text string) reply {
		return says(doc("certificate.file.edit", `<elid>`+id+`</elid><plid>7</plid><text>`+text+`</text>`))
	}
	elem := func(fields string) string { return `<elem>` + fields + `</elem>` }
	for name, tc := range map[string]struct {
		list  string
		files map[string]reply
		asked []string
		pem   int
	}{
		"leaf and chain": {elem(`<id>1</id><name>www.key</name>`) + elem(`<id>2</id><name>www.crt</name>`) + elem(`<id>3</id><name>ca.crt</name>`),
			map[string]reply{"2": file("2", leaf), "3": file("3", leaf)}, []string{"2", "3"}, 2},
		"named by name alone": {elem(`<name>private.pem</name>`) + elem(`<name>crt</name>`), map[string]reply{"crt": file("crt", leaf)}, []string{"crt"}, 1},
		"one of them is none": {elem(`<id>1</id>`) + elem(`<id>2</id>`),
			map[string]reply{"1": says(refusal("access", "deny", "no")), "2": file("2", leaf)}, []string{"1", "2"}, 1},
		"too many":                           {strings.Repeat(elem(`<id>1</id>`), 50), map[string]reply{"1": file("1", "none")}, strings.Split(strings.Repeat("1 ", 10), " ")[:10], 0},
		"an empty list, by the order itself": {`<p_elems>0</p_elems>`, map[string]reply{"7": file("7", leaf)}, []string{"7"}, 1},
		"an empty list":                      {`<p_elems>0</p_elems>`, map[string]reply{"7": says(refusal("missed", "elid", "no"))}, []string{"7"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows := doc("certificate", toolbar("certificate.edit", "certificate.file")+row(7, "www.example.org", 2, "")+`<p_elems>1</p_elems>`)
			var asked []string
			r := newRemote(t, map[string]reply{
				"certificate": says(rows), "certificate.edit": editForm(`<CN>www.example.org</CN>`), "certificate.file": says(doc("certificate.file", tc.list)),
				"certificate.file.edit": func(w http.ResponseWriter, form url.Values) {
					asked = append(asked, form.Get("elid"))
					tc.files[form.Get("elid")](w, form)
				},
			})
			status, err := r.OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Len(t, status.PEM, tc.pem)
			assert.Equal(t, tc.asked, asked)
		})
	}
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	pages := map[string]string{"1": row(1, "a.example.org", 2, referenced) + row(2, "b.example.org", 5, ""), "2": row(3, "c.example.org", 4, "")}
	r := newRemote(t, map[string]reply{"certificate": func(w http.ResponseWriter, form url.Values) {
		says(doc("certificate", pages[form.Get("p_num")]+`<p_cnt>2</p_cnt><p_elems>3</p_elems>`))(w, form)
	}})
	snapshot, err := r.OrderSnapshot(t.Context())
	require.NoError(t, err)
	assert.EqualValues(t, 3, snapshot.Highest, "deleted ones count for the highest id")
	require.Len(t, snapshot.Orders, 2)
	assert.Equal(t, "panel-42", snapshot.Orders[0].OrderRef)
	assert.Equal(t, "2026-07-12", snapshot.Orders[0].Created.String())
	all, err := r.Certificates(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	assert.Equal(t, "positivessl", all[0].Template)
	assert.Equal(t, seller.StateCancelled, all[2].State)
	assert.Equal(t, []bool{true, false, false}, []bool{all[0].IssuanceUnknown, all[1].IssuanceUnknown, all[2].IssuanceUnknown}, "the list does not say whether the active one was issued")
	for name, broken := range map[string]string{
		"short": row(1, "a.example.org", 2, "") + `<p_elems>3</p_elems>`, "unreadable id": row(0, "a.example.org", 2, "") + `<p_elems>1</p_elems>`,
	} {
		r.set("certificate", says(doc("certificate", broken)))
		_, err := r.OrderSnapshot(t.Context())
		failure := requireFault(t, err, fault.Client)
		assert.Equal(t, name == "short", failure.Retry)
	}
	r.set("certificate", says(doc("certificate", row(1, "a.example.org", 2, ""))))
	snapshot, err = r.OrderSnapshot(t.Context())
	require.NoError(t, err, "the same page again is the end where nothing is counted")
	assert.Len(t, snapshot.Orders, 1)
}

func TestOrderRefsDistinguishPanels(t *testing.T) {
	r := newRemote(t, nil)
	assert.Equal(t, "0a1b-42", r.OrderRef("0a1b", 42))
}

// docs/reference/ispmanager.md §15.6: an issued order whose certificate cannot be fetched is not an order that waits for
// validation. A certificate that is not there yet is no error.
func TestAnIssuedCertificateThatCannotBeFetched(t *testing.T) {
	for name, tc := range map[string]struct {
		service string
		offered string
		answer  reply
		says    string // of Undelivered, empty if it is nil
	}{
		"a page":                    {"5", "certificate.getcrt", says(`<html>no</html>`), "issued, and its certificate cannot be fetched"},
		"no right":                  {"5", "certificate.getcrt", says(refusal("access", "deny", "not for you")), "not for you"},
		"no certificate in it":      {"5", "certificate.getcrt", says("noise"), "cannot be fetched"},
		"no function":               {"5", "certificate.reissue", nil, "offers this user no function for the certificate as a file"},
		"not there yet":             {"5", "certificate.getcrt", says(refusal("missed", "crt", "none")), ""},
		"a state that is not shown": {"", "certificate.getcrt", says(`<html>no</html>`), ""},
	} {
		t.Run(name, func(t *testing.T) {
			rows := doc("certificate", toolbar("certificate.edit", tc.offered)+row(7, "www.example.org", 2, "<service_status>"+tc.service+"</service_status>")+`<p_elems>1</p_elems>`)
			answers := map[string]reply{"certificate": says(rows), "certificate.edit": editForm(`<CN>www.example.org</CN>`)}
			if tc.answer != nil {
				answers[tc.offered] = tc.answer
			}
			status, err := newRemote(t, answers).OrderStatus(t.Context(), 7)
			require.NoError(t, err)
			assert.Equal(t, seller.StateWaiting, status.State)
			if tc.says == "" {
				assert.NoError(t, status.DeliveryError)
				return
			}
			require.ErrorContains(t, status.DeliveryError, tc.says)
			assert.True(t, fault.From(status.DeliveryError).Retry)
		})
	}
}
