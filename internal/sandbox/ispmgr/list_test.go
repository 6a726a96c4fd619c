package ispmgr_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/sandbox/ispmgr"
	"pmssl/internal/sandbox/standin/standintest"
)

func (s *standIn) listed(pairs ...string) []string {
	s.t.Helper()
	names := []string{}
	for _, row := range s.ok("certificate", pairs...).root.All("elem") {
		names = append(names, row.Text("CN"))
	}
	return names
}

func TestPagesOfTheList(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.MaxPageSize = 2 })
	for i := range 5 {
		s.buy(fmt.Sprintf("h%d.example.com", i+1))
	}
	first := s.ok("certificate", "p_cnt", "200").root
	assert.Equal(t, "2 1 5", first.Text("p_cnt")+" "+first.Text("p_num")+" "+first.Text("p_elems"), "the size that was granted, not the one asked for")
	assert.Equal(t, []string{"h3.example.com", "h4.example.com"}, s.listed("p_num", "2"))
	assert.Equal(t, []string{"h5.example.com"}, s.listed("p_num", "3", "p_cnt", "x"))
	assert.Equal(t, []string{"h5.example.com"}, s.listed("p_num", "9"), "the last page again")
	s.set(func(c *ispmgr.Settings) { c.PastEnd = ispmgr.PastEndEmpty })
	assert.Empty(t, s.listed("p_num", "9"))
}

func TestFilterIsKeptAndShortensTheList(t *testing.T) {
	s := newStandIn(t)
	s.buy("a.example.com")
	s.buy("b.example.com", "remoteid", "777002")
	s.ok("certificate.filter", "CN", "b.example")
	assert.Len(t, s.listed(), 2, "a form changes nothing")
	s.ok("certificate.filter", "CN", "b.example", "sok", "ok")
	assert.Equal(t, []string{"b.example.com"}, s.listed())
	assert.Equal(t, "1", s.ok("certificate").root.Text("p_elems"))
	assert.Equal(t, "b.example", s.ok("certificate.filter").root.Text("CN"))
	s.ok("certificate.filter", "remoteid", "777001", "sok", "ok")
	assert.Equal(t, []string{"a.example.com"}, s.listed())
	s.ok("certificate.filter", "sok", "ok")
	assert.Len(t, s.listed(), 2)
}

func TestWaysToWriteTheStatus(t *testing.T) {
	for form, want := range map[string]string{
		ispmgr.StatusOrig:       "Processing|5||5",
		ispmgr.StatusDigit:      "5|||",
		ispmgr.StatusKey:        "item_status_5_open|||",
		ispmgr.StatusRealStatus: "Processing||5|",
	} {
		s := newStandIn(t, func(c *ispmgr.Settings) { c.StatusForm = form })
		s.buy("example.com")
		row := s.ok("certificate").root.First("elem")
		got := strings.Join([]string{row.Text("item_status"), row.First("item_status").Attr("orig"), row.Text("item_real_status"), row.Text("status")}, "|")
		assert.Equal(t, want, got, form)
	}
}

func TestWhatAListMayHide(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) {
		c.HideRemoteID, c.ServiceStatusInList, c.ServiceStatusInEdit = true, false, false
	})
	id := s.buy("example.com")
	row, edit := s.ok("certificate").root.First("elem"), s.ok("certificate.edit", "elid", id).root
	for _, name := range []string{"remoteid", "service_status"} {
		assert.Empty(t, row.All(name), name)
		assert.Empty(t, edit.All(name), name)
	}
}

func toolbar(r standintest.Node) []string {
	var names []string
	for _, button := range r.All("metadata", "toolbar", "toolgrp", "toolbtn") {
		names = append(names, button.Attr("func"))
	}
	return names
}

// The toolbar names exactly what may be called.
func TestToolbarNamesWhatMayBeCalled(t *testing.T) {
	s := newStandIn(t)
	full := toolbar(s.ok("certificate").root)
	assert.Contains(t, full, "certificate.delete")
	assert.NotContains(t, full, "certificate.file", "the certificate is in edit")

	s.set(func(c *ispmgr.Settings) {
		c.CertificateIn, c.Functions.Download, c.Functions.ResendDNS, c.Functions.Approver = ispmgr.InDownload, "certificate.view", "certificate.senddvdns", ""
	})
	s.setAccount(func(a *ispmgr.Account) { a.AllowDelete = false })
	other := toolbar(s.ok("certificate").root)
	assert.Contains(t, other, "certificate.view")
	assert.Contains(t, other, "certificate.senddvdns")
	assert.NotContains(t, other, "certificate.approver")
	assert.NotContains(t, other, "certificate.delete")
	assert.Equal(t, "missed func", s.call("certificate.approver", "domain", "example.com").problem())
	assert.Equal(t, "missed func", s.call("certificate.dv.dns").problem())
	assert.Equal(t, "access deny", s.call("certificate.delete", "elid", s.buy("example.com"), "sok", "ok").problem())

	s.set(func(c *ispmgr.Settings) { c.Metadata = ispmgr.MetadataDevel })
	assert.Empty(t, toolbar(s.ok("certificate").root))
	assert.Equal(t, other, toolbar(s.ok("certificate", "out", "devel").root))
}

func TestDeletedServicesAreListedForAWhile(t *testing.T) {
	s := newStandIn(t)
	id := s.issued("example.com")
	s.ok("certificate.delete", "elid", id)
	assert.Equal(t, "4", s.ok("certificate").root.First("elem", "item_status").Attr("orig"))
	assert.Equal(t, "missed elid", s.call("certificate.delete", "elid", id, "sok", "ok").problem())
	s.moveTo(today.AddDate(0, 0, 7))
	assert.Empty(t, s.listed())
	assert.Equal(t, "missed elid", s.call("certificate.edit", "elid", id).problem())
}

func TestDeleteMayRequireSok(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.DeleteNeedsSok = true })
	a, b := s.issued("a.example.com"), s.issued("b.example.com")
	s.ok("certificate.delete", "elid", a)
	assert.Equal(t, ispmgr.Active, s.certificate(a).Status)
	s.ok("certificate.delete", "elid", a+", "+b, "sok", "ok")
	assert.Equal(t, ispmgr.Deleted, s.certificate(a).Status)
	assert.Equal(t, ispmgr.Deleted, s.certificate(b).Status)
}

func TestAccountsDoNotSeeEachOther(t *testing.T) {
	s := newStandIn(t)
	id := s.buy("example.com")
	require.NoError(t, s.PutAccount(ispmgr.Account{ID: 9, User: "other@example.test", Password: "Other-Password-Of-Twenty", AllowDelete: true}))
	other := []string{"authinfo", "other@example.test:Other-Password-Of-Twenty", "elid", id}
	assert.Empty(t, s.ok("certificate", other...).root.All("elem"))
	for _, function := range []string{"certificate.edit", "certificate.delete", "certificate.reissue", "service.prolong"} {
		assert.Equal(t, "access deny", s.call(function, other...).problem(), function)
	}
	assert.Equal(t, "missed elid", s.call("certificate.edit", "elid", "99999999").problem())
}

func TestExpiryMayBeAPhrase(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.ExpirePhrase, c.Expires = true, ispmgr.MeansLeaf })
	s.issued("example.com")
	row := s.ok("certificate").root.First("elem")
	assert.Equal(t, "paid until 17 Oct 2026", row.Text("expiredate"))
	assert.Equal(t, "2026-10-17", row.Text("real_expiredate"))
}

func TestTextsFollowTheLanguage(t *testing.T) {
	s := newStandIn(t)
	s.buy("example.com")
	assert.Equal(t, "Обрабатывается", s.ok("certificate", "lang", "ru").root.Text("elem", "item_status"))
	assert.Equal(t, "9,00\u00a0EUR / annually", s.ok("certificate", "lang", "").root.Text("elem", "cost"))
	assert.Equal(t, "ru", s.ok("certificate", "lang", "").root.Attr("lang"))
	assert.Equal(t, "Неверное имя пользователя или пароль", s.call("whoami", "authinfo", "x:y", "lang", "").root.Text("error", "msg"))
	assert.Equal(t, "Invalid username or password", s.call("whoami", "authinfo", "x:y").root.Text("error", "msg"))
}

func TestAutomaticIssueFollowsTheClock(t *testing.T) {
	s := newStandIn(t, func(c *ispmgr.Settings) { c.AutoIssueSeconds = 3600 })
	id := s.buy("example.com")
	s.moveTo(today.Add(10 * time.Minute))
	assert.Equal(t, "4", s.ok("certificate").root.Text("elem", "service_status"), "found waiting")
	s.moveTo(today.Add(time.Hour))
	assert.Equal(t, ispmgr.Issued, s.certificate(id).ServiceStatus)
}
