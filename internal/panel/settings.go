package panel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pmssl/internal/fault"
)

// The settings that we need of the panel (docs/reference/billmanager.md §4, §7).
const (
	settingHost     = "DBHost"
	settingUser     = "DBUser"
	settingPassword = "DBPassword"
	settingName     = "DBName"
	settingSocket   = "DBSocket"
	settingKey      = "CryptKey"
)

// defaultSetting returns what holds where neither the files nor paramlist say anything (rules PANEL-4).
func defaultSetting(name string) string {
	switch name {
	case settingHost:
		return "localhost"
	case settingUser:
		return "root"
	case settingName:
		return "billmgr"
	case settingKey:
		return "etc/billmgr.pem"
	}
	return ""
}

const (
	// maxConf is the longest settings file that is read, in bytes: real ones have a few hundred.
	maxConf = 1 << 20
	// maxConfFiles is how many files of billmgr.conf.d are read.
	maxConfFiles = 1000
)

// Setting reads an option of etc/billmgr.conf and etc/billmgr.conf.d/*.conf, the last one wins; empty if it is not
// set, "on" for a flag without a value. A file that is there and cannot be read is a fault of type panel.
func (h *Host) Setting(_ context.Context, name string) (string, error) {
	settings, err := h.settings()
	if err != nil {
		return "", err
	}
	return settings[name], nil
}

// settings reads the files once.
func (h *Host) settings() (map[string]string, error) {
	if h.conf != nil {
		return h.conf, nil
	}
	settings := map[string]string{}
	for _, name := range h.confFiles() {
		text, err := readBounded(name, maxConf)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fault.Errorf(fault.Panel, filepath.Base(name), "the panel's settings %s cannot be read (%w): %s", name, withoutPath(err), fileRemedy(name, err))
		}
		parseConf(string(text), settings)
	}
	h.o.Log.Secret(settings[settingPassword])
	h.conf = settings
	return settings, nil
}

// confFiles returns the panel's settings files in the order in which they are read.
func (h *Host) confFiles() []string {
	files := []string{h.path("etc/billmgr.conf")}
	folder := h.path("etc/billmgr.conf.d")
	entries, err := os.ReadDir(folder) // sorted by name
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		h.log.Warningf("%s cannot be read, its settings are left out: %v", folder, err)
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".conf") && !entry.IsDir() {
			files = append(files, filepath.Join(folder, entry.Name()))
		}
	}
	if len(files) > maxConfFiles {
		h.log.Warningf("%s holds %d files, only the first %d are read", folder, len(files)-1, maxConfFiles-1)
		files = files[:maxConfFiles]
	}
	return files
}

// readBounded reads a regular file of at most limit bytes. A FIFO or a device in its place must not hang the command.
func readBounded(name string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s stands %w", name, errNoFile)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return text, nil
}

// requiredSettings reads settings that the panel knows better than its files: from the files, then from one paramlist, then the
// documented defaults (rules PANEL-4). A setting that is there and empty counts as set.
func (h *Host) requiredSettings(ctx context.Context, names ...string) (map[string]string, error) {
	files, err := h.settings()
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		value, ok := files[name]
		if ok {
			found[name] = value
		}
		return ok
	})
	if len(missing) == 0 {
		return found, nil
	}
	list := h.askParamlist(ctx, missing)
	for _, name := range missing {
		value, ok := list[name]
		if !ok {
			value = defaultSetting(name)
		}
		found[name] = value
	}
	return found, nil
}

// askParamlist asks the panel once in the life of a Host. A panel that does not say leaves the defaults; if they are
// wrong, what they were needed for fails with its own words.
func (h *Host) askParamlist(ctx context.Context, missing []string) map[string]string {
	if h.paramlist != nil {
		return h.paramlist
	}
	h.paramlist = map[string]string{}
	h.log.Tracef("billmgr.conf does not set %s, asking the panel", strings.Join(missing, ", "))
	answer, err := h.call(ctx, callback{name: "paramlist"})
	if err != nil {
		h.log.Warningf("billmgr.conf does not set %s and paramlist failed, the documented defaults are used: %v",
			strings.Join(missing, ", "), err)
		return h.paramlist
	}
	for _, row := range answer.rows {
		for name, value := range row {
			h.paramlist[name] = value
		}
	}
	return h.paramlist
}
