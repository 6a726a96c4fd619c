package item

import (
	"context"

	"pmssl/internal/watch"
)

// SettingMailFrom is the option of etc/billmgr.conf with the sender of mails to clients (rules SWEEP-6).
const SettingMailFrom = "SSLSubscriptionMailFrom"

// WatchSettings reads how sites are watched. If On is false, why says which option switches that off. Warnings name values that
// cannot be used.
func WatchSettings(ctx context.Context, panel Settings) (settings watch.Settings, why string, warnings []string, err error) {
	values := map[string]string{}
	for _, name := range []string{watch.SettingWatch, watch.SettingPrivate, settingResolver} {
		if values[name], err = panel.Setting(ctx, name); err != nil {
			return watch.Settings{}, "", nil, err
		}
	}
	note := func(err error) {
		if err != nil {
			warnings = append(warnings, err.Error())
		}
	}
	settings.On, err = watch.ParseSwitch(watch.SettingWatch, values[watch.SettingWatch], true)
	note(err)
	settings.Private, err = watch.ParseSwitch(watch.SettingPrivate, values[watch.SettingPrivate], false)
	note(err)
	server, resolves, err := ParseResolver(values[settingResolver])
	note(err)
	settings.Resolver = server
	switch {
	case !settings.On:
		why = watch.SettingWatch + " is off"
	case !resolves:
		settings.On, why = false, settingResolver+" is off"
	}
	return settings, why, warnings, nil
}
