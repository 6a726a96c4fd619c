package ispmanager_test

import (
	"crypto/x509/pkix"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
)

const reissueForm = `<elid>7</elid><crt_type>generate</crt_type><csr/><altname/><approver_method>auth_email</approver_method><adm_email>old@example.test</adm_email><adm_phone>1</adm_phone><key>PRIVATE</key>` +
	`<slist name="crt_type"><val key="generate">g</val><val key="own">o</val></slist><slist name="approver_method"><val key="auth_email">e</val><val key="auth_dns">d</val></slist>`

func TestAReissueKeepsTheID(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", reissueForm)), "certificate.reissue sok": says(doc("certificate.reissue", `<ok/>`)),
		"certificate.edit": editForm(`<auth_dns_name>_x.www.example.org</auth_dns_name><auth_dns_value>y.ca.example</auth_dns_value>`)})
	q := request(t, "positivessl", "auth_dnscname", "", "www.example.org")
	id, challenges, err := r.Reissue(t.Context(), 7, q)
	require.NoError(t, err)
	assert.EqualValues(t, 7, id)
	require.Len(t, challenges, 1)
	assert.Equal(t, "auth_dns", challenges[0].ApproverMethod)
	require.Len(t, r.submitted("certificate.reissue"), 1)
	assert.Equal(t, url.Values{"sok": {"ok"}, "snext": {"ok"}, "elid": {"7"}, "crt_type": {"own"}, "csr": {q.CSR.PEM}, "approver_method": {"auth_dns"},
		"adm_email": {"ann@example.test"}, "adm_phone": {"1"}}, r.submitted("certificate.reissue")[0], "the form's values, ours over them")
}

func TestAReissueInSteps(t *testing.T) {
	for name, answer := range map[string]string{
		"form":     doc("certificate.reissue.param", `<adm_phone>1</adm_phone>`),
		"nested":   doc("certificate.reissue", `<doc func="certificate.reissue.param"><adm_phone>1</adm_phone></doc><ok/>`),
		"redirect": doc("certificate.reissue", `<ok>func=certificate.reissue.param&amp;elid=7</ok>`),
	} {
		t.Run(name, func(t *testing.T) { reissuesInSteps(t, answer) })
	}
}

func reissuesInSteps(t *testing.T, answer string) {
	t.Helper()
	r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", reissueForm)), "certificate.reissue sok": says(answer),
		"certificate.reissue.param": says(doc("certificate.reissue.param", `<adm_phone>1</adm_phone>`)), "certificate.reissue.param sok": says(doc("f", `<ok/>`)), "certificate.edit": editForm("")})
	_, _, err := r.Reissue(t.Context(), 7, request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	require.NoError(t, err)
	last := r.submitted("certificate.reissue.param")
	require.Len(t, last, 1)
	assert.NotEmpty(t, last[0].Get("csr"), "with the parameters of the step before")
}

func TestReissuesWithUnclearAnswers(t *testing.T) {
	s := newSigner(t)
	csr := s.csr(t, pkix.Name{CommonName: "www.example.org"})
	other := newSigner(t).csr(t, pkix.Name{CommonName: "www.example.org"})
	for name, tc := range map[string]struct {
		answer reply
		status int
		shown  string
		kind   string // of the fault, empty if the reissue is under way
		again  bool   // unclear
	}{
		"lost, under way":              {drops(nil), 5, csr, "", false},
		"lost, for another key":        {drops(nil), 5, other, fault.Client, true},
		"lost, nothing":                {drops(nil), 2, csr, fault.Client, true},
		"refused":                      {says(refusal("value", "csr", "odd")), 2, other, fault.API, false},
		"unknown error":                {says(refusal("odd", "csr", "odd")), 2, other, fault.API, true},
		"asked to pay":                 {says(doc("f", `<ok>func=payment.add</ok>`)), 2, other, fault.Client, true},
		"sent to the list, under way":  {says(doc("f", `<ok>func=certificate</ok>`)), 5, csr, "", false},
		"sent to the list, and no end": {says(doc("f", `<ok>func=certificate</ok>`)), 2, other, fault.Client, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", reissueForm)), "certificate.reissue sok": tc.answer,
				"certificate": listed(row(7, "www.example.org", tc.status, "")), "certificate.edit": editForm(`<csr>` + tc.shown + `</csr>`)})
			_, _, err := r.Reissue(t.Context(), 7, requestOf(t, csr, "positivessl", map[string]string{itemparam.Method: "auth_dnscname"}))
			assert.Len(t, r.submitted("certificate.reissue"), 1)
			if tc.kind == "" && (tc.status == 5) {
				require.NoError(t, err)
				return
			}
			failure := requireFault(t, err, tc.kind)
			assert.Equal(t, tc.again, failure.OutcomeUnknown)
			assert.Equal(t, tc.again, failure.Retry)
		})
	}
}

func TestAReissueNeedsAFieldForTheCSR(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", `<elid>7</elid>`))})
	_, _, err := r.Reissue(t.Context(), 7, request(t, "positivessl", "auth_dnscname", "", "www.example.org"))
	assert.Contains(t, requireFault(t, err, fault.API).Message, "nothing was requested")
	assert.Empty(t, r.submitted("certificate.reissue"))
}

func offering(functions ...string) reply {
	return says(doc("certificate", toolbar(functions...)+`<p_elems>0</p_elems>`))
}

func TestRetryOfTheValidation(t *testing.T) {
	q := request(t, "positivessl", "auth_dnscname", "", "www.example.org")
	r := newRemote(t, map[string]reply{
		"certificate":              offering("certificate.checkdns", "certificate.mailto"),
		"certificate.checkdns":     says(doc("certificate.checkdns", `<elid>7</elid><domain/>`)),
		"certificate.checkdns sok": says(doc("certificate.checkdns", `<ok/>`)),
		"certificate.mailto":       says(doc("certificate.mailto", `<elid>7</elid><approver_email_1/><approver_method>auth_dnscname</approver_method>`)),
		"certificate.mailto sok":   says(doc("certificate.mailto", `<ok/>`)), "certificate.edit": editForm(`<auth_dnscname_name>_x.www.example.org</auth_dnscname_name><auth_dnscname_value>y.ca.example</auth_dnscname_value>`),
	})
	challenges, err := r.RetryChallenge(t.Context(), 7, q, "www.example.org")
	require.NoError(t, err)
	assert.Len(t, challenges, 1)
	assert.Equal(t, url.Values{"sok": {"ok"}, "elid": {"7"}, "domain": {"www.example.org"}}, r.submitted("certificate.checkdns")[0])
	require.NoError(t, r.SendApproval(t.Context(), 7, q, []string{"webmaster@example.org"}))
	assert.Equal(t, "webmaster@example.org", r.submitted("certificate.mailto")[0].Get("approver_email_1"))

	none := newRemote(t, map[string]reply{"certificate": offering("certificate.edit", "certificate.order")})
	_, err = none.RetryChallenge(t.Context(), 7, q, "www.example.org")
	assert.Contains(t, requireFault(t, err, fault.API).Message, "it offers certificate.edit, certificate.order")
	assert.Contains(t, requireFault(t, none.SendApproval(t.Context(), 7, q, nil), fault.API).Message, "no function for another approval e-mail")
}

func TestApprovers(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate": offering("certificate.approver"),
		"certificate.approver": says(doc("certificate.approver", `<domain name="example.org"><approver>Root@example.org</approver><approver>no address</approver></domain><slist name="e"><val key="admin@example.org"/></slist>`))})
	q := request(t, "positivessl", "auth_dnscname", "", "example.org")
	emails, err := r.Approvers(t.Context(), "*.Example.org", q.Product)
	require.NoError(t, err)
	assert.Equal(t, []string{"root@example.org", "admin@example.org"}, emails)
	r.set("certificate.approver", says(refusal("odd", "", "odd")))
	emails, err = r.Approvers(t.Context(), "example.org", q.Product)
	require.NoError(t, err)
	assert.Equal(t, []string{"admin@example.org", "administrator@example.org", "webmaster@example.org", "hostmaster@example.org", "postmaster@example.org"}, emails)
	_, err = r.Approvers(t.Context(), "not a name", q.Product)
	requireFault(t, err, fault.Value)
}

func TestCancelling(t *testing.T) {
	r := newRemote(t, map[string]reply{"certificate.delete": says(doc("certificate.delete", `<ok/>`))})
	require.NoError(t, r.Cancel(t.Context(), 7))
	assert.Equal(t, url.Values{"sok": {"ok"}, "elid": {"7"}}, r.submitted("certificate.delete")[0])
	r.set("certificate.delete", says(refusal("missed", "elid", "gone")))
	require.NoError(t, r.Cancel(t.Context(), 7), "gone already")
	r.set("certificate.delete", says(refusal("missed", "func", "no such function")))
	requireFault(t, r.Cancel(t.Context(), 7), fault.API)
	r.set("certificate.delete", says(refusal("access", "deny", "Insufficient privileges")))
	assert.Contains(t, requireFault(t, r.Cancel(t.Context(), 7), fault.API).Message, "Insufficient privileges")
}

func TestStopRenewal(t *testing.T) {
	form := func(value string) reply {
		return editForm(`<CN>www.example.org</CN><autoprolong>` + value + `</autoprolong><slist name="autoprolong"><val key="0">off</val><val key="12">12</val></slist>`)
	}
	r := newRemote(t, map[string]reply{"certificate.edit": form("12")})
	r.set("certificate.edit sok", func(w http.ResponseWriter, q url.Values) {
		r.set("certificate.edit", form(q.Get("autoprolong")))
		says(doc("certificate.edit", `<ok/>`))(w, q)
	})
	require.NoError(t, r.StopRenewal(t.Context(), 7))
	assert.Equal(t, url.Values{"sok": {"ok"}, "elid": {"7"}, "autoprolong": {"0"}}, r.submitted("certificate.edit")[0], "nothing else is touched")
	r.set("certificate.edit", form("12"))
	r.set("certificate.edit sok", says(doc("certificate.edit", `<ok/>`)))
	assert.Contains(t, requireFault(t, r.StopRenewal(t.Context(), 7), fault.API).Message, "still renews")
	r.set("certificate.edit", editForm(`<CN>x</CN>`))
	requireFault(t, r.StopRenewal(t.Context(), 7), fault.API)
}

// docs/reference/ispmanager.md §4.1, §7: the form has a field for each name of the present certificate. An added name needs
// its approver as well; validation by DNS needs none.
func TestReissueSendsTheApproversOfAddedNames(t *testing.T) {
	form := reissueForm + `<approver_email_1>admin@www.example.org</approver_email_1>`
	for method, want := range map[string][]string{"auth_email": {"a@example.org"}, "auth_dnscname": nil} {
		r := newRemote(t, map[string]reply{"certificate.reissue": says(doc("certificate.reissue", form)), "certificate.reissue sok": says(doc("certificate.reissue", `<ok/>`)), "certificate.edit": editForm("")})
		_, _, err := r.Reissue(t.Context(), 7, request(t, "positivessl_multi_domain", method, "a@example.org", "www.example.org", "b.example.org"))
		require.NoError(t, err)
		require.Len(t, r.submitted("certificate.reissue"), 1)
		assert.Equal(t, want, r.submitted("certificate.reissue")[0]["approver_email_2"], method)
	}
}
