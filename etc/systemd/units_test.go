// Package systemd_test holds the units against what they start and against systemd's own reading of them.
package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/app"
)

// unit reads a unit file: section -> directive -> values in their order.
func unit(t *testing.T, name string) map[string]map[string][]string {
	t.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	sections, section := map[string]map[string][]string{}, ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
			require.NotContains(t, sections, section)
			sections[section] = map[string][]string{}
		default:
			directive, value, ok := strings.Cut(line, "=")
			require.True(t, ok, line)
			require.NotContains(t, line, `\`, "no line goes on in the next one")
			sections[section][directive] = append(sections[section][directive], value)
		}
	}
	return sections
}

func TestTheServiceRunsOneSweepOfTheInstancesModule(t *testing.T) {
	service := unit(t, "pmssl-subscription@.service")
	assert.Equal(t, []string{"/usr/local/mgr5/processing/%i"}, service["Unit"]["ConditionPathExists"])
	assert.Equal(t, []string{"oneshot"}, service["Service"]["Type"])
	assert.Equal(t, []string{"/usr/local/mgr5/processing/%i --command subscription"}, service["Service"]["ExecStart"])
	assert.Contains(t, app.Markdown(), "| `subscription` |", "the command exists")
	assert.NotContains(t, service, "Install", "the timer is what is enabled")
}

func TestTheTimerStartsItHourlyAndMakesUpForMissedHours(t *testing.T) {
	timer := unit(t, "pmssl-subscription@.timer")
	assert.Equal(t, []string{"/usr/local/mgr5/processing/%i"}, timer["Unit"]["ConditionPathExists"])
	assert.Equal(t, []string{"hourly"}, timer["Timer"]["OnCalendar"])
	assert.Equal(t, []string{"true"}, timer["Timer"]["Persistent"])
	assert.NotEmpty(t, timer["Timer"]["RandomizedDelaySec"])
	assert.Empty(t, timer["Timer"]["Unit"], "the service of the same name")
	assert.Equal(t, []string{"timers.target"}, timer["Install"]["WantedBy"])
}

// Each of these is omitted on purpose; comments in the unit explain each omitted option.
func TestHardeningLeavesMailPanelAndDatabaseWorking(t *testing.T) {
	service := unit(t, "pmssl-subscription@.service")["Service"]
	assert.Equal(t, []string{"no"}, service["NoNewPrivileges"], "Postfix's setgid postdrop")
	for _, directive := range []string{"User", "DynamicUser", "MemoryDenyWriteExecute", "SystemCallFilter", "PrivateNetwork", "PrivateUsers"} {
		assert.Empty(t, service[directive], directive)
	}
	assert.Equal(t, []string{"full"}, service["ProtectSystem"], "strict would close the mail queue")
	assert.Equal(t, []string{"-/usr/local/mgr5/var"}, service["ReadWritePaths"], "full makes /usr read-only, the panel's var with it")
	assert.Equal(t, []string{"no"}, service["PrivateTmp"], "a database's socket may lie in /tmp")
	assert.Equal(t, []string{"process"}, service["KillMode"], "deliveries in the background are the mail server's")
	for _, capability := range []string{"CAP_SETUID", "CAP_SETGID", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL"} {
		assert.NotContains(t, service["CapabilityBoundingSet"][0], capability)
	}
	for _, family := range []string{"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"} {
		assert.Contains(t, service["RestrictAddressFamilies"][0], family)
	}
}

// The unit's answer from the panel holds the database's password: nothing of it may reach the journal.
func TestWakingThePanelsPrintsNothing(t *testing.T) {
	for name, tc := range map[string]struct{ conf, calls string }{
		"no publishers":           {"", "-m billmgr paramlist\n"},
		"a publisher without mgr": {"# mgr ispmgr\npublisher ns1 ispmgr\n  url https://ns1:1500/dnsmgr\n", "-m billmgr paramlist\n"},
		"ISPmanager on this host": {"publisher a ispmgr\n  mgr ispmgr\n  zone *\n", "-m billmgr paramlist\n-m ispmgr domain\n"},
		"DNSmanager on this host": {"publisher b ispmgr\n\tmgr\tdnsmgr # ns\n  zone *\n", "-m billmgr paramlist\n-m dnsmgr domain\n"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for _, folder := range []string{"sbin", "etc/pmssl"} {
				require.NoError(t, os.MkdirAll(filepath.Join(root, folder), 0o755))
			}
			mgrctl := "#!/bin/sh\necho \"$*\" >>\"$0.args\"\necho secret\necho secret >&2\n"
			require.NoError(t, os.WriteFile(filepath.Join(root, "sbin", "mgrctl"), []byte(mgrctl), 0o755))
			if tc.conf != "" {
				require.NoError(t, os.WriteFile(filepath.Join(root, "etc", "pmssl", "a.conf"), []byte(tc.conf), 0o600))
			}
			for _, wake := range unit(t, "pmssl-subscription@.service")["Service"]["ExecStartPre"] {
				assert.True(t, strings.HasPrefix(wake, "-+"), "outside the sandbox, and no failure of the sweep: %s", wake)
				assert.NotContains(t, wake, "$", "systemd would replace it")
				_, command, _ := strings.Cut(wake, "'")
				command = strings.ReplaceAll(strings.TrimSuffix(command, "'"), "/usr/local/mgr5", root)
				out, err := exec.Command("/bin/sh", "-c", command).CombinedOutput()
				require.NoError(t, err)
				assert.Empty(t, string(out))
			}
			args, err := os.ReadFile(filepath.Join(root, "sbin", "mgrctl.args"))
			require.NoError(t, err)
			assert.Equal(t, tc.calls, string(args))
		})
	}
}

// systemd complains about directives that it does not know, values that it cannot read and programs that are not there.
func TestSystemdUnderstandsTheUnits(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: systemd has not read the units")
	}
	root, units := t.TempDir(), t.TempDir()
	for _, dir := range []string{"processing", "sbin", "var"} {
		require.NoError(t, os.Mkdir(filepath.Join(root, dir), 0o755))
	}
	for _, program := range []string{"processing/pmx", "sbin/mgrctl"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, program), []byte("#!/bin/sh\n"), 0o755))
	}
	verify := func(edit string) string {
		var files []string
		for _, kind := range []string{"service", "timer"} {
			raw, err := os.ReadFile("pmssl-subscription@." + kind)
			require.NoError(t, err)
			name := filepath.Join(units, "pmssl-subscription@pmx."+kind)
			text := strings.ReplaceAll(string(raw), "/usr/local/mgr5", root)
			require.NoError(t, os.WriteFile(name, []byte(strings.Replace(text, "[Service]\n", "[Service]\n"+edit, 1)), 0o600))
			files = append(files, name)
		}
		// Its exit code also depends on the units of the host that these are ordered against.
		out, _ := exec.Command(analyze, append([]string{"--man=no", "verify"}, files...)...).CombinedOutput()
		var ours []string
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "pmssl-subscription@") {
				ours = append(ours, line)
			}
		}
		return strings.Join(ours, "")
	}
	if verify("ProtectHome=perhaps\n") == "" {
		t.Skip("systemd-analyze verify does not work here: systemd has not read the units")
	}
	assert.Empty(t, verify(""))
}
