package ca

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Names of the files in the directory of Open. RootFile and IntermediateFile are for
// others to read, as in
//
//	openssl verify -CAfile root.pem -untrusted intermediate.pem leaf.pem
const (
	RootFile            = "root.pem"
	IntermediateFile    = "intermediate.pem"
	rootKeyFile         = "root.key"
	intermediateKeyFile = "intermediate.key"
)

const maxFileSize = 64 << 10

// Open loads the authority from dir, or creates one there. Programs that open the same directory at
// the same time get the same authority and share what is revoked. algorithm only matters for a new authority; random is as in
// New.
func Open(dir string, algorithm Algorithm, random io.Reader) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make CA directory: %w", err)
	}
	unlock, err := lock(filepath.Join(dir, ".lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()

	stored, err := load(dir)
	if err == nil {
		return stored.authority(orDefault(random), dir), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load CA from %s: %w", dir, err)
	}
	made, err := newHierarchy(algorithm, orDefault(random))
	if err != nil {
		return nil, err
	}
	if err := made.save(dir); err != nil {
		return nil, fmt.Errorf("save CA in %s: %w", dir, err)
	}
	return made.authority(orDefault(random), dir), nil
}

func lock(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open CA lock: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock CA directory: %w", err)
	}
	return func() { file.Close() }, nil // closing the file releases the lock
}

func load(dir string) (*hierarchy, error) {
	// The key of the intermediate is written last: if it is missing, nothing
	// was signed yet and a new authority may replace the files.
	intermediateKey, err := loadKey(filepath.Join(dir, intermediateKeyFile))
	if err != nil {
		return nil, err
	}
	rootKey, err := loadKey(filepath.Join(dir, rootKeyFile))
	if err != nil {
		return nil, unexpected(err)
	}
	root, err := loadCertificate(filepath.Join(dir, RootFile))
	if err != nil {
		return nil, unexpected(err)
	}
	intermediate, err := loadCertificate(filepath.Join(dir, IntermediateFile))
	if err != nil {
		return nil, unexpected(err)
	}
	if err := intermediate.CheckSignatureFrom(root); err != nil {
		return nil, fmt.Errorf("%s is not signed by %s: %w", IntermediateFile, RootFile, err)
	}
	return &hierarchy{root: root, intermediate: intermediate, rootKey: rootKey, intermediateKey: intermediateKey}, nil
}

// unexpected hides fs.ErrNotExist: if one file is missing beside others, the authority is damaged
// and must not be replaced silently.
func unexpected(err error) error { return fmt.Errorf("incomplete CA: %s", err) }

func (h *hierarchy) save(dir string) error {
	rootKey, err := x509.MarshalPKCS8PrivateKey(h.rootKey)
	if err != nil {
		return err
	}
	intermediateKey, err := x509.MarshalPKCS8PrivateKey(h.intermediateKey)
	if err != nil {
		return err
	}
	files := []struct {
		name, label string
		der         []byte
		mode        fs.FileMode
	}{
		{RootFile, "CERTIFICATE", h.root.Raw, 0o644},
		{IntermediateFile, "CERTIFICATE", h.intermediate.Raw, 0o644},
		{rootKeyFile, "PRIVATE KEY", rootKey, 0o600},
		{intermediateKeyFile, "PRIVATE KEY", intermediateKey, 0o600},
	}
	for _, file := range files {
		content := pem.EncodeToMemory(&pem.Block{Type: file.label, Bytes: file.der})
		if err := writeFile(filepath.Join(dir, file.name), content, file.mode); err != nil {
			return err
		}
	}
	return nil
}

// writeFile replaces a file in one step, so that a program that is killed leaves no partial file
// behind.
func writeFile(path string, content []byte, mode fs.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // other programs write the file, too
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(mode), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func loadBlock(path, label string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(content)
	if block == nil || block.Type != label {
		return nil, fmt.Errorf("%s holds no PEM block %q", filepath.Base(path), label)
	}
	return block.Bytes, nil
}

func loadCertificate(path string) (*x509.Certificate, error) {
	der, err := loadBlock(path, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", filepath.Base(path), err)
	}
	return certificate, nil
}

func loadKey(path string) (crypto.Signer, error) {
	der, err := loadBlock(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", filepath.Base(path), err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s holds a key that cannot sign", filepath.Base(path))
	}
	return signer, nil
}
