package panel

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
)

const (
	// maxBalances is the longest file of balances that is read, in bytes, and maxBalanceModules how many modules it may have.
	maxBalances       = 1 << 20
	maxBalanceModules = 1000
)

// ownersMode is the mode of files of the folder var that only their owner can read.
const ownersMode = 0o600

// balancesName returns the path of the file with the balances that were last reported to the panel: the panel's database is not
// known to show them.
func (h *Host) balancesName() string { return h.path(filepath.Join("var", h.o.Binary+".balances")) }

// balances reads the file, by module; none if it is absent.
func (h *Host) balances() (map[int64]item.BalanceRecord, error) {
	text, err := filelock.ReadRegular(h.balancesName(), maxBalances)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, h.balancesFault("read", err)
	}
	all, err := parseBalances(text)
	if err != nil {
		return nil, h.balancesFault("read", err)
	}
	return all, nil
}

// parseBalances reads the content of the file.
func parseBalances(text []byte) (map[int64]item.BalanceRecord, error) {
	var list []item.BalanceRecord
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, err
	}
	all := map[int64]item.BalanceRecord{}
	for _, one := range list {
		if one.Module > 0 && !one.At.IsZero() && len(one.Currency) <= 16 && len(all) < maxBalanceModules {
			all[one.Module] = one
		}
	}
	return all, nil
}

// keepBalance adds a balance to the file. One that cannot be kept is logged: the panel has it.
func (h *Host) keepBalance(one item.BalanceRecord) {
	all, err := h.balances()
	if err != nil {
		h.log.Warningf("%v", err)
	}
	if all == nil {
		all = map[int64]item.BalanceRecord{}
	}
	all[one.Module] = one
	list := make([]item.BalanceRecord, 0, len(all))
	for _, module := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[module])
	}
	text, err := json.Marshal(list)
	if err == nil {
		err = filelock.ReplaceFile(h.balancesName(), ownersMode, filelock.Content(append(text, '\n')))
	}
	if err != nil {
		h.log.Warningf("%v", h.balancesFault("written", err))
	}
}

func (h *Host) balancesFault(what string, err error) error {
	name := h.balancesName()
	return fault.Errorf(fault.Panel, "balances", "the file of balances %s cannot be %s (%w): %s", name, what, withoutPath(err), fileRemedy(name, err)).Retryable()
}
