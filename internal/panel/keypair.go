package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/filelock"
	"pmssl/internal/item"
	"pmssl/internal/pki"
)

const (
	// maxKeyFile is the limit of a file in bytes: two CSRs (pki.MaxCSR) and two keys are shorter.
	maxKeyFile = 256 << 10
	// maxKeyFiles is how many entries of the folder are looked at. There is a file only while a key is changed.
	maxKeyFiles = 100_000
)

// errDamaged says that a file is not what SaveKeyPairs has written.
var errDamaged = errors.New("it is damaged")

func keyError(path, what, why, remedy string) error {
	return fault.Errorf(fault.Panel, "keys", "the key pairs in %s cannot be %s (%s): %s", path, what, why, remedy).Retryable()
}

func keyFileName(it int64) string { return strconv.FormatInt(it, 10) + keySuffix }

// learnKeys registers private keys with the log before anything is done with them.
func (h *Host) learnKeys(pairs item.KeyPairs) { h.o.Log.Secret(pairs.Old.Key, pairs.New.Key) }

// KeyPairs reads the item's file in var/pmssl-keys; false if it has none. A file that cannot be read, or that does not hold two keys
// with their CSRs, is a fault: nothing takes its place.
func (h *Host) KeyPairs(_ context.Context, it int64) (item.KeyPairs, bool, error) {
	name := keyFileName(it)
	keys, err := h.openKeys(false)
	if errors.Is(err, fs.ErrNotExist) {
		return item.KeyPairs{}, false, nil
	}
	if err != nil {
		return item.KeyPairs{}, false, h.keyFault("", "read", err)
	}
	defer keys.Close()
	file, err := openKeyFile(keys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return item.KeyPairs{}, false, nil
	}
	if err != nil {
		return item.KeyPairs{}, false, h.keyFault(name, "read", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%w: more than %d bytes", errDamaged, maxKeyFile)
	}
	var pairs item.KeyPairs
	if err == nil {
		pairs, err = parseKeyPairs(text, it)
		h.learnKeys(pairs)
	}
	if err != nil {
		return item.KeyPairs{}, false, h.keyFault(name, "read", err)
	}
	return pairs, true, nil
}

// parseKeyPairs reads the content of an item's file. No part of the content is in the error.
func parseKeyPairs(text []byte, it int64) (item.KeyPairs, error) {
	var pairs item.KeyPairs
	if err := json.Unmarshal(text, &pairs); err != nil { // its text may hold a piece of the file
		return item.KeyPairs{}, fmt.Errorf("%w: it is not JSON, or cut off", errDamaged)
	}
	if pairs.Item != it {
		return item.KeyPairs{}, fmt.Errorf("%w: it is of item %d", errDamaged, pairs.Item)
	}
	if !fitting(pairs.Old) || !fitting(pairs.New) {
		return item.KeyPairs{}, fmt.Errorf("%w: a private key is not that of its CSR", errDamaged)
	}
	return pairs, nil
}

// fitting reports whether the private key is that of the CSR.
func fitting(pair item.KeyPair) bool {
	csr, err := pki.ReadCSR(pair.CSR)
	if err != nil {
		return false
	}
	_, fits := csr.FittingKey(pair.Key)
	return fits
}

// SaveKeyPairs writes the item's file in var/pmssl-keys and reads it back. It replaces none: what is there may be the only copy of a key.
func (h *Host) SaveKeyPairs(ctx context.Context, pairs item.KeyPairs) error {
	h.learnKeys(pairs)
	name := keyFileName(pairs.Item)
	text, err := json.Marshal(pairs)
	if err == nil {
		_, err = parseKeyPairs(text, pairs.Item)
	}
	if err != nil {
		return h.keyFault(name, "written", err)
	}
	keys, err := h.openKeys(true)
	if err != nil {
		return h.keyFault("", "written", err)
	}
	defer keys.Close()
	if _, err = keys.Lstat(name); err == nil {
		err = fs.ErrExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = writeKeyFile(keys, name, text)
	}
	if err != nil {
		return h.keyFault(name, "written", err)
	}
	saved, found, err := h.KeyPairs(ctx, pairs.Item)
	if err == nil && (!found || saved != pairs) {
		err = h.keyFault(name, "written", errors.New("it was not read back as it was written"))
	}
	return err
}

// RemoveKeyPairs removes the item's file, and what a killed run left of one.
func (h *Host) RemoveKeyPairs(_ context.Context, it int64) error {
	keys, err := h.openKeys(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return h.keyFault("", "removed", err)
	}
	defer keys.Close()
	name := keyFileName(it)
	err = removeUnfinished(keys, name)
	if removed := keys.Remove(name); !errors.Is(removed, fs.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	if err != nil {
		return h.keyFault(name, "removed", err)
	}
	return syncKeys(keys)
}

// ItemsWithKeyPairs lists the items, of all modules of the panel, that have a file in var/pmssl-keys, whole or not.
func (h *Host) ItemsWithKeyPairs(context.Context) ([]int64, error) {
	keys, err := h.openKeys(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, h.keyFault("", "read", err)
	}
	defer keys.Close()
	folder, err := keys.Open(".")
	if err != nil {
		return nil, h.keyFault("", "read", err)
	}
	defer folder.Close()
	entries, err := folder.ReadDir(maxKeyFiles)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, h.keyFault("", "read", err)
	}
	var items []int64
	for _, entry := range entries {
		name := entry.Name()
		if written, is := filelock.UnfinishedName(name); is {
			name = written
		}
		number, ours := strings.CutSuffix(name, keySuffix)
		if it, err := strconv.ParseInt(number, 10, 64); ours && err == nil && it > 0 && keyFileName(it) == number+keySuffix {
			items = append(items, it)
		}
	}
	slices.Sort(items)
	return slices.Compact(items), nil
}
