package item

import (
	"context"

	"pmssl/internal/watch"
)

// SettingRotateKey is the option of etc/billmgr.conf with which reissues of the sweep are for a new key (rules ROTATE-1).
const SettingRotateKey = "SSLRotateKey"

// RotateKey reads the option SSLRotateKey. Any word but on counts as off; the warning names one that is neither.
func RotateKey(ctx context.Context, panel Settings) (on bool, warning string, err error) {
	value, err := panel.Setting(ctx, SettingRotateKey)
	if err != nil {
		return false, "", err
	}
	on, unknown := watch.ParseSwitch(SettingRotateKey, value, false)
	if unknown != nil {
		warning = unknown.Error()
	}
	return on, warning, nil
}
