package execute

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"pmssl/internal/filelock"
	"pmssl/internal/publish"
)

const (
	// deliveries is the folder below var that holds a folder for each delivery that is under way.
	deliveries = "pmssl-deploy"
	// folderMode and fileMode let nobody else read: there may be a private key among the files.
	folderMode, fileMode = 0o700, 0o600
	// maxEntries is how many entries are looked at for leftovers.
	maxEntries = 10_000
)

// errInUse says that another process works with a folder.
var errInUse = errors.New("another process of the module delivers this item's certificate now")

// folder is the folder of one item's delivery. It is locked (flock) as long as the process that made it works with it.
type folder struct {
	above *os.Root // var/pmssl-deploy
	name  string   // of the item
	lock  *os.File
	path  string
}

// makeFolder makes the folder of an item, empty. What a killed run left in it is removed.
func makeFolder(ctx context.Context, root string, item int64) (*folder, error) {
	above, err := openAbove(root, true)
	if err != nil {
		return nil, err
	}
	f := &folder{above: above, name: strconv.FormatInt(item, 10)}
	f.path = filepath.Join(root, "var", deliveries, f.name)
	if err := f.make(ctx); err != nil {
		_ = above.Close()
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return f, nil
}

// make makes the folder and locks it. The lock of the folder above keeps others from taking it for a leftover in between.
func (f *folder) make(ctx context.Context) error {
	guard, err := f.above.Open(".")
	if err != nil {
		return err
	}
	if err := filelock.Wait(ctx, guard, filelock.Exclusive); err != nil {
		return err
	}
	defer guard.Close()
	if err := removeUnused(f.above, f.name); err != nil {
		return err
	}
	if err := f.above.Mkdir(f.name, folderMode); err != nil {
		return err
	}
	if f.lock, err = f.above.Open(f.name); err != nil {
		return err
	}
	free, err := filelock.Try(f.lock, filelock.Exclusive)
	if err == nil && !free {
		err = errInUse
	}
	if err != nil {
		_ = f.lock.Close()
	}
	return err
}

// write writes a new file at the path below the folder.
func (f *folder) write(path, content string) error {
	path = filepath.Join(f.name, path)
	if err := f.above.MkdirAll(filepath.Dir(path), folderMode); err != nil {
		return err
	}
	file, err := f.above.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}

// remove removes the folder with everything in it.
func (f *folder) remove() error {
	err := f.above.RemoveAll(f.name)
	return errors.Join(err, f.lock.Close(), f.above.Close())
}

// openAbove opens var/pmssl-deploy, and makes it if create says so. The error wraps fs.ErrNotExist if it does not exist.
func openAbove(root string, create bool) (*os.Root, error) {
	data, err := os.OpenRoot(filepath.Join(root, "var")) // which may be a symbolic link: it is the administrator's
	if err != nil {
		return nil, fmt.Errorf("the panel's folder for data: %w", err)
	}
	defer data.Close()
	path := filepath.Join(root, "var", deliveries)
	if create {
		if err := data.Mkdir(deliveries, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	above, err := openOwn(data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	if err := above.Chmod(".", folderMode); err != nil {
		_ = above.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return above, nil
}

// openOwn opens the folder for deliveries. What another user made is refused: he could read what is written there.
func openOwn(data *os.Root) (*os.Root, error) {
	found, err := data.Lstat(deliveries)
	if err != nil {
		return nil, fmt.Errorf("cannot be looked at: %w", err)
	}
	if stat, known := found.Sys().(*syscall.Stat_t); !found.IsDir() || !known || stat.Uid != 0 && int(stat.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("is not a folder of root (%s), and links are not followed: remove it", found.Mode())
	}
	above, err := data.OpenRoot(deliveries)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", err)
	}
	opened, err := above.Stat(".")
	if err == nil && os.SameFile(found, opened) {
		return above, nil
	}
	_ = above.Close()
	return nil, errors.Join(errors.New("was replaced while it was opened"), err)
}

// removeUnused removes what a killed run left. What another process works with is errInUse.
func removeUnused(above *os.Root, name string) error {
	found, err := above.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || !found.IsDir() {
		return errors.Join(err, above.RemoveAll(name))
	}
	left, err := above.Open(name)
	if err != nil {
		return err
	}
	defer left.Close()
	free, err := filelock.Try(left, filelock.Exclusive)
	if err != nil {
		return err
	}
	if !free {
		return errInUse
	}
	return above.RemoveAll(name)
}

// RemoveLeftovers removes the files of deliveries whose process was killed: there may be private keys among them. What another
// process works with stays.
func RemoveLeftovers(root string, log publish.Log) {
	above, err := openAbove(root, false)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		log.Warningf("what killed deliveries left cannot be removed: %v", err)
		return
	}
	defer above.Close()
	guard, err := above.Open(".")
	if err != nil {
		log.Warningf("what killed deliveries left cannot be removed: %v", err)
		return
	}
	defer guard.Close()
	if free, err := filelock.Try(guard, filelock.Exclusive); err != nil || !free { // another process makes its folder
		return
	}
	entries, err := guard.ReadDir(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		log.Warningf("what killed deliveries left cannot be removed: %v", err)
	}
	for _, entry := range entries {
		path := filepath.Join(root, "var", deliveries, entry.Name())
		switch err := removeUnused(above, entry.Name()); {
		case err == nil:
			log.Infof("%s is removed: the run that made it was killed", path)
		case !errors.Is(err, errInUse):
			log.Warningf("%s stays from a killed run and cannot be removed: %v", path, err)
		}
	}
}
