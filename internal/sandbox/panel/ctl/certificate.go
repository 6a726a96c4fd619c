package ctl

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"slices"
	"strings"

	"pmssl/internal/sandbox/panel/root"
)

// Limits of an uploaded archive.
const (
	maxMembers     = 64
	maxMemberBytes = 1 << 20
)

// saveCertificate handles certificate.save: PEM text, or crt_type=zip with the base64 of a ZIP
// (docs/reference/billmanager.md §5.2, §14.7).
func saveCertificate(r *request) (Reply, error) {
	item, err := r.row("item")
	if err != nil {
		return Reply{}, err
	}
	crt, err := r.need("crt")
	if err != nil {
		return Reply{}, err
	}
	var stored []byte
	switch kind := r.params["crt_type"]; kind {
	case "":
		if block, _ := pem.Decode([]byte(crt)); block == nil {
			return Reply{}, &Error{Type: "value", Object: "crt", Message: "the certificate is not PEM"}
		}
		stored = []byte(crt)
	case "zip":
		if stored, err = unpack(crt, r.settings.CrtStore); err != nil {
			return Reply{}, err
		}
	default:
		return Reply{}, &Error{Type: "value", Object: "crt_type", Value: kind}
	}
	return confirmed, r.storeCrt(item, stored)
}

func (r *request) storeCrt(item int64, crt []byte) error {
	var n int
	if err := r.db.QueryRowContext(r.ctx, "SELECT COUNT(*) FROM certificate WHERE item=?", item).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return r.exec("INSERT INTO certificate (item, crt) VALUES (?, ?)", item, crt)
	}
	return r.exec("UPDATE certificate SET crt=? WHERE item=?", crt, item)
}

// unpack returns the bytes to store for an archive. It always reads the archive, so that a broken one is refused in
// every mode.
func unpack(text, store string) ([]byte, error) {
	if store == root.StoreRefuse {
		return nil, &Error{Type: "value", Object: "crt_type", Value: "zip"}
	}
	archive, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, &Error{Type: "value", Object: "crt", Message: "the archive is not base64: " + err.Error()}
	}
	pems, err := members(archive)
	if err != nil {
		return nil, &Error{Type: "value", Object: "crt", Message: err.Error()}
	}
	switch store {
	case root.StoreZIP:
		return archive, nil
	case root.StoreBase64:
		return []byte(text), nil
	}
	return pems, nil
}

// members joins the certificates of the archive's PEM members, each once, in the archive's order (leaf first, as
// modules pack them).
func members(archive []byte) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("the archive is not ZIP: %w", err)
	}
	if len(z.File) > maxMembers {
		return nil, fmt.Errorf("the archive has more than %d members", maxMembers)
	}
	var all [][]byte
	for _, f := range z.File {
		text, err := member(f)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", f.Name, err)
		}
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			one := pem.EncodeToMemory(block)
			if !slices.ContainsFunc(all, func(b []byte) bool { return bytes.Equal(b, one) }) {
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the archive has no PEM certificate")
	}
	return bytes.Join(all, nil), nil
}

func member(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxMemberBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxMemberBytes {
		return nil, fmt.Errorf("over %d bytes", maxMemberBytes)
	}
	return text, nil
}
