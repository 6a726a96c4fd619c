package panel

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// InstallationID tells this panel from every other one: the first 10 hex digits of the SHA-256 of CryptKey's public half. The
// key is made with the panel and moves with its database, because nothing that is stored encrypted could be read
// without it (docs/reference/billmanager.md §7).
func (h *Host) InstallationID(ctx context.Context) (string, error) {
	key, err := h.cryptKey(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return hex.EncodeToString(sum[:5]), nil
}

// SaveBalance is processing.savebalance (docs/reference/billmanager.md §11). The panel compares it with the module's
// threshold and tells the administrator.
func (h *Host) SaveBalance(ctx context.Context, module int64, balance seller.Money) error {
	params := []pair{{"processingmodule", strconv.FormatInt(module, 10)}, {"balance", strconv.FormatFloat(balance.Amount, 'f', 2, 64)}}
	if balance.Currency != "" {
		params = append(params, pair{"currency", balance.Currency})
	}
	return h.ask(ctx, callback{name: "processing.savebalance", params: append(params, sok())})
}

// ImportService is processing.import.service (docs/reference/billmanager.md §11), with any item parameters beside its own;
// the panel's answer names the new item as service_id.
func (h *Host) ImportService(ctx context.Context, s item.Import) (int64, error) {
	const name = "processing.import.service"
	params := []pair{
		sok(), {"module", strconv.FormatInt(s.Module, 10)}, {"import_itemtype_intname", "certificate"},
		{"import_pricelist_intname", s.Template}, {"import_service_name", s.Name}, {"status", strconv.Itoa(s.Status)},
		{"service_status", strconv.Itoa(int(s.Service))},
	}
	if s.RemoteID != "" {
		params = append(params, pair{"import_remote_id", s.RemoteID})
	}
	if s.Months > 0 {
		params = append(params, pair{"period", strconv.Itoa(s.Months)})
	}
	if !s.Expires.IsZero() {
		params = append(params, pair{"expiredate", s.Expires.String()})
	}
	for _, param := range slices.Sorted(maps.Keys(s.Params)) {
		params = append(params, pair{param, s.Params[param]})
	}
	answer, err := h.call(ctx, callback{name: name, params: params})
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(strings.TrimSpace(answer.fields["service_id"]), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.Errorf(fault.Panel, name, "the panel took the certificate for %s over and names no service_id", s.Name)
	}
	return id, nil
}
