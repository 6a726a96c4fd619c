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

// ask calls a function whose answer is not needed.
func (h *Host) ask(ctx context.Context, c callback) error {
	_, err := h.call(ctx, c)
	return err
}

// SaveParam stores an item parameter in plain text (table itemparam), by form A of service.saveparam, which the C++ framework
// uses (docs/reference/billmanager.md §5.2). For an empty value it deletes the parameter.
func (h *Host) SaveParam(ctx context.Context, id int64, name, value string) error {
	if value == "" {
		return h.DropParam(ctx, id, name)
	}
	return h.ask(ctx, callback{name: "service.saveparam", repeat: true, params: []pair{
		sok(), itemElement(id), {"name", name}, {"value", value}, {"crypted", "off"}}})
}

// SaveSecretParam stores an item parameter that the panel encrypts (table itemcryptedparam). The value is passed in the child's
// environment, never in its argv (rules PANEL-1). The panel's own log still prints it.
func (h *Host) SaveSecretParam(ctx context.Context, id int64, name, value string) error {
	if len(value) > maxWord || strings.ContainsRune(value, 0) {
		return fault.Errorf(fault.Panel, "service.saveparam", "the value of %s has %d bytes or holds a zero byte, which an environment variable cannot take", name, len(value))
	}
	return h.ask(ctx, callback{name: "service.saveparam", repeat: true, params: []pair{
		sok(), itemElement(id), {"name", name}, {"crypted", "on"}}, secret: &pair{"value", value}})
}

// DropParam deletes an item parameter and checks that it is gone. Of the two ways (docs/reference/billmanager.md §5.2)
// service.dropparam is tried first: BILLmanager's own library for panel 6 uses it, and a panel that does not know it refuses it.
// If the parameter still exists, service.saveparam without a value is sent, as the C++ framework does; alone it might store an
// empty row or keep the old one. For an absent parameter nothing is sent.
func (h *Host) DropParam(ctx context.Context, id int64, name string) error {
	_, there, err := h.Param(ctx, id, name)
	if err != nil || !there {
		return err
	}
	params := []pair{sok(), itemElement(id), {"name", name}}
	first := h.ask(ctx, callback{name: "service.dropparam", params: params, repeat: true})
	if _, there, err = h.Param(ctx, id, name); err != nil || !there {
		return err
	}
	if errors.Is(first, errUnanswered) || errors.Is(first, errNoMgrctl) {
		return first // the second way would not reach the panel either
	}
	h.log.ExtInfof("item %d still has parameter %s after service.dropparam, trying service.saveparam without a value", id, name)
	if err := h.ask(ctx, callback{name: "service.saveparam", params: params, repeat: true}); err != nil {
		return err
	}
	if _, there, err = h.Param(ctx, id, name); err != nil || !there {
		return err
	}
	if first != nil {
		return first
	}
	return fault.Errorf(fault.Panel, name, "the panel accepted service.dropparam and service.saveparam, but item %d still has the parameter %s", id, name)
}

// SetStatus calls service.setstatus, which sets the item's service_status (docs/reference/billmanager.md §4.1).
func (h *Host) SetStatus(ctx context.Context, id int64, status item.ServiceStatus) error {
	return h.ask(ctx, callback{name: "service.setstatus", repeat: true, params: []pair{
		itemElement(id), {"service_status", strconv.Itoa(int(status))}, sok()}})
}

// SetExpireDate calls service.setexpiredate. It returns a fault for a zero date, with which the panel would bill at once.
func (h *Host) SetExpireDate(ctx context.Context, id int64, date cabforum.Date) error {
	if date.IsZero() {
		return fault.Errorf(fault.Internal, "service.setexpiredate", "item %d would get no expiration date", id)
	}
	return h.ask(ctx, callback{name: "service.setexpiredate", repeat: true, params: []pair{
		itemElement(id), {"expiredate", date.String()}, sok()}})
}

// SaveCertificatePEM calls certificate.save with the certificates as PEM text, the leaf first.
func (h *Host) SaveCertificatePEM(ctx context.Context, id int64, pem string) error {
	return h.ask(ctx, callback{name: "certificate.save", repeat: true, params: []pair{itemElement(id), {"crt", pem}, sok()}})
}

// SaveCertificateZIP calls certificate.save with crt_type=zip and the archive in base64. An archive of more than 96 KiB does not
// fit into one argument: it returns fault.Panel without a call, and the caller saves PEM (rules PANEL-2).
func (h *Host) SaveCertificateZIP(ctx context.Context, id int64, zip []byte) error {
	return h.ask(ctx, callback{name: "certificate.save", repeat: true, params: []pair{
		itemElement(id), {"crt_type", "zip"}, {"crt", base64.StdEncoding.EncodeToString(zip)}, sok()}})
}

// OpenCertificate calls certificate.open, which says that the certificate was issued for the first time.
func (h *Host) OpenCertificate(ctx context.Context, id int64) error {
	return h.ask(ctx, callback{name: "certificate.open", repeat: true, params: []pair{itemElement(id), sok()}})
}

// FailCertificate calls certificate.failed, which says that the order ended without a certificate.
func (h *Host) FailCertificate(ctx context.Context, id int64) error {
	return h.ask(ctx, callback{name: "certificate.failed", repeat: true, params: []pair{itemElement(id), sok()}})
}

// Post calls service.post<what>, which ends the running operation (docs/reference/billmanager.md §5.2); what is open, suspend,
// resume, close, setparam, reopen or prolong.
func (h *Host) Post(ctx context.Context, id int64, what string) error {
	if !slices.Contains([]string{"open", "suspend", "resume", "close", "setparam", "reopen", "prolong"}, what) {
		return fault.Errorf(fault.Internal, "service.post"+what, "there is no such call-back")
	}
	return h.ask(ctx, callback{name: "service.post" + what, repeat: true, params: []pair{itemElement(id), sok()}})
}
