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

// InstallationID returns the first 10 hex digits of the SHA-256 of CryptKey's public key. The key is created with the panel and
// moves with its database, because without it no encrypted value can be read (docs/reference/billmanager.md §7).
func (h *Host) InstallationID(ctx context.Context) (string, error) {
	key, err := h.cryptKey(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	return hex.EncodeToString(sum[:5]), nil
}

// SaveBalance calls processing.savebalance (docs/reference/billmanager.md §11). The panel compares the balance with the module's
// threshold and notifies the administrator. Then the balance is kept in var/<bin>.balances for overviews.
func (h *Host) SaveBalance(ctx context.Context, module int64, balance seller.Money) error {
	params := []pair{{"processingmodule", strconv.FormatInt(module, 10)}, {"balance", strconv.FormatFloat(balance.Amount, 'f', 2, 64)}}
	if balance.Currency != "" {
		params = append(params, pair{"currency", balance.Currency})
	}
	if err := h.ask(ctx, callback{name: "processing.savebalance", params: append(params, sok())}); err != nil {
		return err
	}
	h.keepBalance(item.BalanceRecord{Module: module, At: h.o.Now().UTC(), Amount: balance.Amount, Currency: balance.Currency})
	return nil
}

// ImportService calls processing.import.service (docs/reference/billmanager.md §11), with item parameters beside its own. It
// returns the new item's id, which the panel answers as service_id.
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
		return 0, fault.Errorf(fault.Panel, name, "the panel imported the certificate for %s and answered no service_id", s.Name)
	}
	return id, nil
}
