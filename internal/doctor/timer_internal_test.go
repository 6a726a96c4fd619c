package doctor

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/item"
)

// unlooked is a panel whose database knows of no sweep.
type unlooked struct {
	item.DiagnosticPanel
	last time.Time
	err  error
	own  item.SweepRecord
}

func (u unlooked) LastLook(context.Context) (time.Time, error) { return u.last, u.err }
func (u unlooked) LastSweep(context.Context) (item.SweepRecord, bool, error) {
	return u.own, !u.own.Ended.IsZero(), nil
}

const (
	standardTimer   = "[Unit]\nConditionPathExists=PANEL/processing/%i\n[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n"
	standardService = "[Unit]\nConditionPathExists=PANEL/processing/%i\n[Service]\nEnvironment=MGR5_ROOT=PANEL\nExecStart=PANEL/processing/%i --command subscription\n"
)

// host is a folder for the files of a host, and one for those of its panel. PANEL in a file stands for the panel's. Texts that begin
// with "-> " are links.
func hostWith(t *testing.T, files map[string]string) *examination {
	t.Helper()
	host, root := t.TempDir(), filepath.Join(t.TempDir(), "mgr5")
	for name, text := range files {
		path := filepath.Join(host, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		if target, is := strings.CutPrefix(text, "-> "); is {
			require.NoError(t, os.Symlink(target, path))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "PANEL", root)), 0o644))
	}
	for _, name := range []string{"processing/pmtest", "var/x"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o755))
	}
	return &examination{o: Options{Binary: "pmtest", Now: func() time.Time { return noon }, Diagnosis: item.Diagnosis{Host: host, Root: root}}}
}

const (
	etcUnits = "etc/systemd/system/"
	libUnits = "usr/lib/systemd/system/"
	template = "pmssl-subscription@.timer"
	service  = "pmssl-subscription@.service"
	instance = "pmssl-subscription@pmtest.timer"
	wanted   = "timers.target.wants/" + instance
)

func TestTheTimerIsFoundWhereSystemdFindsIt(t *testing.T) {
	const otherTimer, otherService = "[Timer]\nOnCalendar=hourly\n", "[Service]\nExecStart=/bin/sh -c 'exec nice PANEL/processing/pmtest --command subscription'\nEnvironment=\"MGR5_ROOT=PANEL\" A=b\n"
	for _, row := range []struct {
		name       string
		files      map[string]string
		alone      bool // without a service
		want       Outcome
		text, mend string
	}{
		{name: "of the package", files: map[string]string{libUnits + template: standardTimer, libUnits + service: standardService, etcUnits + wanted: "-> x"},
			want: Passed, text: "usr/lib/systemd/system/" + template},
		{name: "a timer alone", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x"}, alone: true,
			want: Failed, text: "pmssl-subscription@pmtest.service, which it starts, is missing", mend: "install the units again"},
		{name: "a service of something else", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x", libUnits + service: standardService,
			etcUnits + service + ".d/x.conf": "[Service]\nExecStart=\nExecStart=/opt/sweep.sh\n"}, want: Unchecked, text: "starts /opt/sweep.sh"},
		{name: "a service that only shows", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x", libUnits + service: standardService,
			etcUnits + service + ".d/x.conf": "[Service]\nExecStart=\nExecStart=PANEL/processing/%i --command subscription --dry-run\n"}, want: Unchecked, text: "--dry-run"},
		{name: "a service of something else, and cron runs the sweep", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x",
			libUnits + service: "[Service]\nExecStart=/opt/sweep.sh\n", "etc/cron.d/sweep": "17 * * * * root MGR5_ROOT=PANEL PANEL/processing/pmtest --command subscription\n"}, want: Passed, text: "cron.d/sweep runs the sweep"},
		{name: "an instance of its own", files: map[string]string{libUnits + template: standardTimer, etcUnits + instance: standardTimer, etcUnits + wanted: "-> x"},
			want: Passed, text: etcUnits + instance},
		{name: "an instance in a later folder counts before the template", files: map[string]string{etcUnits + template: "[Unit]\nConditionPathExists=/nowhere\n", libUnits + instance: standardTimer, etcUnits + wanted: "-> x"},
			want: Passed, text: libUnits + instance},
		{name: "wanted by another target", files: map[string]string{libUnits + template: standardTimer, etcUnits + "multi-user.target.wants/" + instance: "-> x"}, want: Passed},
		{name: "required in another folder", files: map[string]string{libUnits + template: standardTimer, libUnits + "basic.target.requires/" + instance: "-> x"}, want: Passed},
		{name: "until the next start", files: map[string]string{"run/systemd/system/" + template: standardTimer, "run/systemd/system/" + wanted: "-> x"}, want: Passed},
		{name: "for another root", files: map[string]string{libUnits + template: strings.ReplaceAll(standardTimer, "PANEL", "/srv/other"), etcUnits + wanted: "-> x"},
			want: Failed, text: "is for another root: it waits for /srv/other/processing/%i", mend: "make install-systemd MGR5_ROOT="},
		{name: "a drop-in with this root", want: Passed, files: map[string]string{libUnits + template: strings.ReplaceAll(standardTimer, "PANEL", "/srv/other"), etcUnits + wanted: "-> x",
			etcUnits + template + ".d/root.conf": "[Unit]\nConditionPathExists=\nConditionPathExists=PANEL/processing/%i\n"}},
		{name: "a drop-in of the instance", want: Passed, files: map[string]string{libUnits + template: strings.ReplaceAll(standardTimer, "PANEL", "/srv/other"), etcUnits + wanted: "-> x",
			"run/systemd/system/" + instance + ".d/root.conf": "[Unit]\nConditionFileNotEmpty=\n"}},
		{name: "a drop-in for all units of the product", want: Passed, files: map[string]string{libUnits + template: strings.ReplaceAll(standardTimer, "PANEL", "/srv/other"), etcUnits + wanted: "-> x",
			etcUnits + "pmssl-.timer.d/root.conf": "[Unit]\nConditionPathExists=\n"}},
		{name: "a drop-in that another folder has taken away", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x",
			libUnits + template + ".d/x.conf": "[Unit]\nConditionPathExists=/nowhere\n", etcUnits + template + ".d/x.conf": "-> /dev/null"}, want: Passed},
		{name: "a drop-in with a condition that is not met", files: map[string]string{libUnits + template: standardTimer, etcUnits + wanted: "-> x",
			etcUnits + template + ".d/x.conf": "[Unit]\nConditionPathExists=/mnt/\\\nvar\n"}, want: Failed, text: "systemd skips " + instance, mend: "systemctl edit " + instance},
		{name: "one of two conditions", files: map[string]string{libUnits + template: "[Unit]\nConditionPathExists=|/nowhere\nConditionPathExists=|PANEL/processing/%i\nConditionPathExists=!/nowhere\n", etcUnits + wanted: "-> x"}, want: Passed},
		{name: "none of two conditions", files: map[string]string{libUnits + template: "[Unit]\nConditionPathExists=|/nowhere\nConditionPathExists=|/nothing\n", etcUnits + wanted: "-> x"}, want: Failed, text: "none of /nowhere, /nothing exists"},
		{name: "a service for another root", files: map[string]string{libUnits + template: standardTimer, libUnits + service: "[Service]\nExecStart=/usr/local/mgr5/processing/%i --command subscription\n", etcUnits + wanted: "-> x"},
			want: Failed, text: "runs the sweep of another root: /usr/local/mgr5", mend: "make install-systemd MGR5_ROOT="},
		{name: "a service that is masked", files: map[string]string{libUnits + template: standardTimer, libUnits + service: standardService, etcUnits + service: "-> /dev/null", etcUnits + wanted: "-> x"},
			want: Failed, text: "pmssl-subscription@pmtest.service is masked", mend: "systemctl unmask pmssl-subscription@pmtest.service"},
		{name: "the administrator's own timer", files: map[string]string{etcUnits + "sweep.timer": otherTimer, etcUnits + "sweep.service": otherService, etcUnits + "timers.target.wants/sweep.timer": "-> x"},
			want: Passed, text: "sweep.timer is enabled"},
		{name: "a timer with a service of another name", files: map[string]string{etcUnits + "hourly.timer": "[Timer]\nUnit=sweep.service\n", etcUnits + "sweep.service": otherService, etcUnits + "timers.target.wants/hourly.timer": "-> x"}, want: Passed},
		{name: "a timer of something else", files: map[string]string{libUnits + template: standardTimer, etcUnits + "fstrim.timer": otherTimer, etcUnits + "fstrim.service": "[Service]\nExecStart=/sbin/fstrim --command subscription\n", etcUnits + "timers.target.wants/fstrim.timer": "-> x"},
			want: Failed, text: "is not enabled"},
		{name: "masked", files: map[string]string{libUnits + template: standardTimer, etcUnits + instance: "-> /dev/null", etcUnits + wanted: "-> x"}, want: Failed, text: "is masked", mend: "systemctl unmask"},
		{name: "an empty file masks", files: map[string]string{libUnits + template: standardTimer, etcUnits + instance: "", etcUnits + wanted: "-> x"}, want: Failed, text: "is masked"},
		{name: "the file of an earlier folder counts before a mask", files: map[string]string{etcUnits + template: standardTimer, libUnits + template: "-> /dev/null", etcUnits + wanted: "-> x"}, want: Passed},
		{name: "masked, and cron runs the sweep", files: map[string]string{etcUnits + instance: "-> /dev/null", "etc/cron.d/sweep": "17 * * * * root MGR5_ROOT=PANEL PANEL/processing/pmtest --command subscription\n"}, want: Passed, text: "cron.d/sweep runs the sweep"},
		{name: "enabled without a unit", files: map[string]string{etcUnits + wanted: "-> x"}, want: Failed, text: "its unit pmssl-subscription@.timer is missing", mend: "daemon-reload"},
		{name: "not enabled", files: map[string]string{libUnits + template: standardTimer}, want: Failed, text: instance + " is not enabled", mend: "systemctl enable --now " + instance},
		{name: "not installed", want: Failed, text: instance + " is not enabled", mend: "make install-systemd"},
	} {
		t.Run(row.name, func(t *testing.T) {
			files := map[string]string{libUnits + service: standardService}
			if row.alone {
				files = map[string]string{}
			}
			maps.Copy(files, row.files)
			found := checkTimer(t.Context(), hostWith(t, files), unlooked{})
			require.Len(t, found, 1)
			assert.Equal(t, row.want, found[0].Outcome, found[0].Text)
			assert.Contains(t, found[0].Text, row.text)
			assert.Contains(t, found[0].Mend, row.mend)
		})
	}
}

func TestALineOfCronCountsIfCronReadsIt(t *testing.T) {
	const command = "MGR5_ROOT=PANEL PANEL/processing/pmtest --command subscription >/dev/null"
	const line = "17 * * * * root " + command + "\n"
	for _, row := range []struct {
		name       string
		file, text string
		mode       os.FileMode // 0644 if 0
		crond      bool        // cronie is installed
		want       Outcome
		shown      string
	}{
		{name: "crontab", file: "etc/crontab", text: line, want: Passed},
		{name: "a table", file: "etc/cron.d/pmssl", text: "SHELL=/bin/sh\n" + line, want: Passed},
		{name: "a root of its own line", file: "etc/cron.d/pmssl", text: "MGR5_ROOT=PANEL\n@hourly root PANEL/processing/pmtest -c subscription\n", want: Passed},
		{name: "a spool", file: "var/spool/cron/crontabs/root", text: "0 * * * * " + command + "\n", mode: 0o600, want: Passed},
		{name: "the spool of SUSE", file: "var/spool/cron/tabs/root", text: "0 * * * * " + command + "\n", mode: 0o600, want: Passed},
		{name: "a script", file: "etc/cron.hourly/pmssl", text: "#!/bin/sh\nexport MGR5_ROOT=PANEL\nexec PANEL/processing/pmtest --command=subscription\n", mode: 0o755, want: Passed},
		{name: "a script that is not executable", file: "etc/cron.hourly/pmssl", text: "#!/bin/sh\n" + command + "\n", want: Failed, shown: "it is not executable"},
		{name: "a dot in the name", file: "etc/cron.d/pmssl.cron", text: line, want: Failed, shown: "cron ignores it"},
		{name: "a script with a dot", file: "etc/cron.hourly/pmssl.sh", text: "#!/bin/sh\n" + command + "\n", mode: 0o755, want: Failed, shown: "cron ignores it"},
		{name: "a dot in the name, read by cronie", file: "etc/cron.d/pmssl.cron", text: line, crond: true, want: Passed},
		{name: "put aside by rpm", file: "etc/cron.d/pmssl.rpmsave", text: line, crond: true, want: Failed, shown: "cron ignores it"},
		{name: "put aside by an editor", file: "etc/cron.d/pmssl~", text: line, crond: true, want: Failed, shown: "cron ignores it"},
		{name: "others can write it", file: "etc/cron.d/pmssl", text: line, mode: 0o666, want: Failed, shown: "others can write it"},
		{name: "a comment", file: "etc/crontab", text: "# " + line, want: Failed, shown: "is not enabled"},
		{name: "without a user", file: "etc/cron.d/pmssl", text: "17 * * * * PANEL/processing/pmtest\n", want: Failed, shown: "is not enabled"},
		{name: "another module", file: "etc/crontab", text: strings.ReplaceAll(line, "pmtest", "pmtest2"), want: Failed, shown: "is not enabled"},
		{name: "another command", file: "etc/crontab", text: strings.ReplaceAll(line, "subscription", "subscriptions"), want: Failed, shown: "is not enabled"},
		{name: "one item", file: "etc/crontab", text: strings.ReplaceAll(line, "subscription", "subscription --item 5"), want: Failed, shown: "is not enabled"},
		{name: "a dry run", file: "etc/crontab", text: strings.ReplaceAll(line, "subscription", "subscription --dry-run"), want: Failed, shown: "is not enabled"},
		{name: "a mention", file: "etc/crontab", text: "0 0 * * * root echo pmtest has no --command subscription\n", want: Failed, shown: "is not enabled"},
		{name: "another root", file: "etc/crontab", text: strings.ReplaceAll(line, "MGR5_ROOT=PANEL ", ""), want: Failed, shown: "runs the sweep of another root: /usr/local/mgr5"},
		{name: "each night", file: "etc/crontab", text: strings.Replace(line, "17 *", "17 3", 1), want: Warned, shown: "not each hour (17 3 * * *)"},
		{name: "each weekday", file: "etc/crontab", text: strings.Replace(line, "* root", "1-5 root", 1), want: Warned, shown: "not each hour"},
	} {
		t.Run(row.name, func(t *testing.T) {
			files := map[string]string{row.file: row.text}
			if row.crond {
				files["usr/sbin/crond"] = ""
			}
			x := hostWith(t, files)
			if row.mode != 0 {
				require.NoError(t, os.Chmod(filepath.Join(x.o.Host, row.file), row.mode))
			}
			found := checkTimer(t.Context(), x, unlooked{})
			require.Len(t, found, 1)
			assert.Equal(t, row.want, found[0].Outcome, found[0].Text)
			assert.Contains(t, found[0].Text, row.shown)
			if row.want != Passed {
				assert.NotEmpty(t, found[0].Mend)
			}
		})
	}
}

// A panel's folder may have several names, and the environment of a service other sources.
func TestAnotherNameOfTheRootIsNoOtherRoot(t *testing.T) {
	for name, units := range map[string]struct{ timer, service string }{
		"another name":             {strings.ReplaceAll(standardTimer, "PANEL", "PANEL-link"), strings.ReplaceAll(standardService, "PANEL", "PANEL-link")},
		"a file with its settings": {standardTimer, "[Service]\nEnvironmentFile=/etc/default/pmssl\nExecStart=/usr/lib/pmssl/%i --command subscription\n"},
	} {
		x := hostWith(t, map[string]string{libUnits + template: units.timer, libUnits + service: units.service, etcUnits + wanted: "-> x"})
		require.NoError(t, os.Symlink(x.o.Root, x.o.Root+"-link"))
		found := checkTimer(t.Context(), x, unlooked{})
		assert.Equal(t, Passed, Worst(found), "%s: %v", name, found)
	}
}

// The record of a sweep is in a file of its host. In the database the looks at sites show that another host sweeps.
func TestAHostWithoutATimerIsNoCrossIfAnotherOneSweeps(t *testing.T) {
	ago := func(days int) time.Time { return noon.AddDate(0, 0, -days) }
	for _, row := range []struct {
		name  string
		panel unlooked
		want  Outcome
	}{
		{name: "another host has looked at a site", panel: unlooked{last: ago(30)}, want: Warned},
		{name: "after the timer was moved", panel: unlooked{last: ago(1), own: item.SweepRecord{Ended: ago(9), Completed: ago(9), Result: item.SweepOK}}, want: Warned},
		{name: "this host looked last", panel: unlooked{last: ago(9), own: item.SweepRecord{Ended: ago(9), Completed: ago(9), Result: item.SweepOK}}, want: Failed},
		{name: "this host looked last, and was killed then", panel: unlooked{last: ago(9).Add(time.Hour), own: item.SweepRecord{Ended: ago(9), Result: item.SweepOK}}, want: Failed},
		{name: "too long ago", panel: unlooked{last: ago(300)}, want: Failed},
		{name: "nobody has", want: Failed},
		{name: "the database does not answer", panel: unlooked{last: ago(1), err: errors.New("no database")}, want: Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			x := hostWith(t, map[string]string{libUnits + template: standardTimer})
			found := checkTimer(t.Context(), x, row.panel)
			require.Len(t, found, 1)
			assert.Equal(t, row.want, found[0].Outcome, found[0].Text)
			assert.Contains(t, found[0].Mend, "systemctl enable --now")
			if row.want != Warned {
				return
			}
			assert.Contains(t, found[0].Text, "Another host of the panel has run sweeps")
			found = checkLastSweep(t.Context(), x, row.panel)
			assert.Equal(t, Unchecked, Worst(found), "its last sweep is not on this host")
		})
	}
}

// What is in a folder may have any name.
func TestAPathIsOneWordOfAMend(t *testing.T) {
	assert.Equal(t, "/etc/cron.d/pmssl-1", shellWord("/etc/cron.d/pmssl-1"))
	assert.Equal(t, "'/etc/cron.d/a b'", shellWord("/etc/cron.d/a b"))
	assert.Equal(t, `'/x/$(id)'\''s'`, shellWord("/x/$(id)'s"))
}
