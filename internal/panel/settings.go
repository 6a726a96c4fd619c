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

// The panel's settings that this package reads (docs/reference/billmanager.md §4, §7).
const (
	settingHost     = "DBHost"
	settingUser     = "DBUser"
	settingPassword = "DBPassword"
	settingName     = "DBName"
	settingSocket   = "DBSocket"
	settingKey      = "CryptKey"
)

// defaultSetting returns the documented default of a setting that is neither in the files nor in paramlist (rules PANEL-4).
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
	// maxConf is the limit of a settings file in bytes; real ones have a few hundred.
	maxConf = 1 << 20
	// maxConfFiles is the limit of settings files, billmgr.conf included.
	maxConfFiles = 1000
)

// Setting reads an option of etc/billmgr.conf and etc/billmgr.conf.d/*.conf; the last one wins. It is empty if not set, and "on"
// for a flag without a value. If a file exists and cannot be read, Setting returns fault.Panel.
func (h *Host) Setting(_ context.Context, name string) (string, error) {
	settings, err := h.settings()
	if err != nil {
		return "", err
	}
	return settings[name], nil
}

// settings returns the settings of the files, which are read once.
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

// readBounded reads a regular file of at most limit bytes. It refuses a FIFO or a device, on which the command would hang.
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
		return nil, fmt.Errorf("%s is %w", name, errNotRegular)
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

// requiredSettings returns the named settings: from the files, else from paramlist, else the documented default (rules
// PANEL-4). An empty setting in a file counts as set.
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

// askParamlist calls paramlist once for each Host. If that fails, the defaults are used; if they are wrong, the code that
// uses them returns its own error.
func (h *Host) askParamlist(ctx context.Context, missing []string) map[string]string {
	if h.paramlist != nil {
		return h.paramlist
	}
	h.paramlist = map[string]string{}
	h.log.Tracef("billmgr.conf does not set %s, calling paramlist", strings.Join(missing, ", "))
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
