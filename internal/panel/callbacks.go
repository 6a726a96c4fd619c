package panel

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// ask calls a function whose answer does not matter beyond its success.
func (h *Host) ask(ctx context.Context, c callback) error {
	_, err := h.call(ctx, c)
	return err
}

// SaveParam stores an item parameter in plain text (table itemparam), by form A of service.saveparam, the one that the
// C++ framework uses (docs/reference/billmanager.md §5.2). An empty value is the same as none: the parameter is dropped.
func (h *Host) SaveParam(ctx context.Context, id int64, name, value string) error {
	if value == "" {
		return h.DropParam(ctx, id, name)
	}
	return h.ask(ctx, callback{name: "service.saveparam", kept: true, params: []pair{
		sok(), itemElement(id), {"name", name}, {"value", value}, {"crypted", "off"}}})
}

// SaveSecretParam stores an item parameter encrypted (table itemcryptedparam): the panel encrypts. The value travels in
// the environment of the child, never in its argv (rules PANEL-1); the panel's own log prints it all the same.
func (h *Host) SaveSecretParam(ctx context.Context, id int64, name, value string) error {
	if len(value) > maxWord || strings.ContainsRune(value, 0) {
		return fault.Errorf(fault.Panel, "service.saveparam", "the value of %s has %d bytes or holds a zero byte, which an environment variable cannot take", name, len(value))
	}
	return h.ask(ctx, callback{name: "service.saveparam", kept: true, params: []pair{
		sok(), itemElement(id), {"name", name}, {"crypted", "on"}}, secret: &pair{"value", value}})
}

// DropParam deletes an item parameter and looks whether it is gone. Of the two ways (docs/reference/billmanager.md §5.2)
// service.dropparam goes first: it is what BILLmanager's own library for panel 6 sends, and a panel that does not know it
// says so. Where the parameter is still there afterwards, service.saveparam without a value is sent, as the C++ framework
// does; alone it could as well store an empty row or keep the old one. A parameter that is not there costs no call.
func (h *Host) DropParam(ctx context.Context, id int64, name string) error {
	_, there, err := h.Param(ctx, id, name)
	if err != nil || !there {
		return err
	}
	params := []pair{sok(), itemElement(id), {"name", name}}
	first := h.ask(ctx, callback{name: "service.dropparam", params: params, kept: true})
	if _, there, err = h.Param(ctx, id, name); err != nil || !there {
		return err
	}
	if errors.Is(first, errUnanswered) || errors.Is(first, errNoMgrctl) {
		return first // the other way would not reach the panel either
	}
	h.log.ExtInfof("item %d still has parameter %s after service.dropparam, trying service.saveparam without a value", id, name)
	if err := h.ask(ctx, callback{name: "service.saveparam", params: params, kept: true}); err != nil {
		return err
	}
	if _, there, err = h.Param(ctx, id, name); err != nil || !there {
		return err
	}
	if first != nil {
		return first
	}
	return fault.Errorf(fault.Panel, name, "the panel took service.dropparam and service.saveparam, and item %d still has the parameter %s", id, name)
}

// SetStatus is service.setstatus: the item's service_status (docs/reference/billmanager.md §4.1).
func (h *Host) SetStatus(ctx context.Context, id int64, status item.ServiceStatus) error {
	return h.ask(ctx, callback{name: "service.setstatus", kept: true, params: []pair{
		itemElement(id), {"service_status", strconv.Itoa(int(status))}, sok()}})
}

// SetExpireDate is service.setexpiredate. No date is a fault: the panel would bill at once.
func (h *Host) SetExpireDate(ctx context.Context, id int64, date cabforum.Date) error {
	if date.IsZero() {
		return fault.Errorf(fault.Internal, "service.setexpiredate", "item %d would get no expiration date", id)
	}
	return h.ask(ctx, callback{name: "service.setexpiredate", kept: true, params: []pair{
		itemElement(id), {"expiredate", date.String()}, sok()}})
}

// SaveCertificatePEM is certificate.save with the certificates as text, the leaf first.
func (h *Host) SaveCertificatePEM(ctx context.Context, id int64, pem string) error {
	return h.ask(ctx, callback{name: "certificate.save", kept: true, params: []pair{itemElement(id), {"crt", pem}, sok()}})
}

// SaveCertificateZIP is certificate.save with crt_type=zip and the archive in base64. An archive of more than 96 KiB does
// not fit an argv word: Panel, without asking the panel; it is then saved as PEM (rules PANEL-2).
func (h *Host) SaveCertificateZIP(ctx context.Context, id int64, zip []byte) error {
	return h.ask(ctx, callback{name: "certificate.save", kept: true, params: []pair{
		itemElement(id), {"crt_type", "zip"}, {"crt", base64.StdEncoding.EncodeToString(zip)}, sok()}})
}

// OpenCertificate is certificate.open: the certificate was issued for the first time.
func (h *Host) OpenCertificate(ctx context.Context, id int64) error {
	return h.ask(ctx, callback{name: "certificate.open", kept: true, params: []pair{itemElement(id), sok()}})
}

// FailCertificate is certificate.failed: no certificate will come of the order.
func (h *Host) FailCertificate(ctx context.Context, id int64) error {
	return h.ask(ctx, callback{name: "certificate.failed", kept: true, params: []pair{itemElement(id), sok()}})
}

// Post is service.post<what>, which ends the running operation (docs/reference/billmanager.md §5.2): open, suspend, resume,
// close, setparam, reopen, prolong.
func (h *Host) Post(ctx context.Context, id int64, what string) error {
	if !slices.Contains([]string{"open", "suspend", "resume", "close", "setparam", "reopen", "prolong"}, what) {
		return fault.Errorf(fault.Internal, "service.post"+what, "there is no such call-back")
	}
	return h.ask(ctx, callback{name: "service.post" + what, kept: true, params: []pair{itemElement(id), sok()}})
}
