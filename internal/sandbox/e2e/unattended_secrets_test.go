package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// processWatch keeps what /proc shows of the processes that the test has started, directly or not.
type processWatch struct {
	gates string // folder of the FIFOs at which held programs wait

	mu   sync.Mutex
	seen map[string]bool // command line and environment of each process
}

// watchProcesses watches until the test ends. The panel's mgrctl is held.
func (f *unattendedFixture) watchProcesses(t *testing.T) *processWatch {
	t.Helper()
	w := &processWatch{gates: filepath.Join(f.dir, "gates"), seen: map[string]bool{}}
	require.NoError(t, os.Mkdir(w.gates, 0o700))
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
				w.look()
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
	})
	w.hold(t, filepath.Join(f.panel.Root(), "sbin", "mgrctl"))
	return w
}

// hold makes a program wait at each start until /proc was looked at.
func (w *processWatch) hold(t *testing.T, program string) {
	t.Helper()
	text := fmt.Sprintf("#!/bin/sh\ngate=%s/$$\n/usr/bin/mkfifo \"$gate\"\nread -r _ <\"$gate\"\n/bin/rm \"$gate\"\nexec %s.held \"$@\"\n", w.gates, program)
	require.NoError(t, os.Rename(program, program+".held"))
	syscall.ForkLock.RLock() // see fixture.install
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(program, []byte(text), 0o700))
}

// look reads /proc if a program waits, and lets it run.
func (w *processWatch) look() {
	waiting, _ := filepath.Glob(filepath.Join(w.gates, "*"))
	if len(waiting) == 0 {
		return
	}
	w.readAll()
	for _, gate := range waiting {
		file, err := os.OpenFile(gate, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue // it does not read yet: the next look
		}
		_, _ = file.WriteString("\n")
		_ = file.Close()
	}
}

// readAll keeps command line and environment of all descendants of this process.
func (w *processWatch) readAll() {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	parents := map[int]int{}
	for _, folder := range folders {
		stat, err := os.ReadFile(filepath.Join(folder, "stat"))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ")
		fields := strings.Fields(rest) // state, parent
		pid, _ := strconv.Atoi(filepath.Base(folder))
		parents[pid], _ = strconv.Atoi(fields[1])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for pid := range parents {
		above := parents[pid]
		for range len(parents) { // bounded, because ids may be used again meanwhile
			if above <= 1 || above == os.Getpid() {
				break
			}
			above = parents[above]
		}
		if above != os.Getpid() {
			continue
		}
		command, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		w.seen[strings.ReplaceAll(string(command)+"\n"+string(environ), "\x00", " ")] = true
	}
}

// checkShown checks that a process was seen whose command line or environment contains the words.
func (w *processWatch) checkShown(t *testing.T, words string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for shown := range w.seen {
		if strings.Contains(shown, words) {
			return
		}
	}
	assert.Fail(t, "no process was seen", "%q, among %d", words, len(w.seen))
}

// check checks that no process has shown the secret. A failure does not print it.
func (w *processWatch) check(t *testing.T, secret string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for shown := range w.seen {
		if strings.Contains(shown, secret) {
			assert.Fail(t, "a process shows a secret", strings.ReplaceAll(shown, secret, "SECRET"))
		}
	}
}

// hookCase is a publisher of the kind exec, whose program starts nsupdate for the simulated primary. Both are held.
func hookCase(w **processWatch) publisherCase {
	return publisherCase{name: "exec of nsupdate", host: func(t *testing.T, f *unattendedFixture, domain string) func(*testing.T) string {
		if os.Geteuid() != 0 {
			t.Skip("the program of a publisher has to be root's")
		}
		zone, err := f.world.AddZone(domain, hosts)
		require.NoError(t, err)
		hook := f.installHook(t, &peer{addr: f.world.Primary.Target(), secret: f.world.Secret, zone: domain})
		nsupdate, err := exec.LookPath("nsupdate")
		require.NoError(t, err)
		own := filepath.Join(f.dir, "nsupdate")
		require.NoError(t, os.Symlink(nsupdate, own))
		text, err := os.ReadFile(hook)
		require.NoError(t, err)
		require.Contains(t, string(text), "| nsupdate ")
		require.NoError(t, os.WriteFile(hook, bytes.ReplaceAll(text, []byte("| nsupdate "), []byte("| "+own+" ")), 0o700))
		(*w).hold(t, hook)
		(*w).hold(t, own)
		f.configurePublisher(t, "ns3", "exec", "", "program "+hook, "types cname", "zone "+domain)
		return func(*testing.T) string { return zone.Dump() }
	}}
}

// docs/reference/unattended.md §9: no command line and no environment of a process shows the publishers' secrets, or the private key that
// is delivered with the certificate, while they work, and afterwards no output, no log and no mail. The program of a deploy block prints
// the key.
func TestUnattendedShowsNoSecret(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		var watch *processWatch
		cases := append(publisherCases(), hookCase(&watch))
		for name, shown := range map[string]string{ // what a process shows while the publisher works
			"dnsupdate": "RENEWED_LINEAGE=", "powerdns": "--command subscription", "ispmgr by HTTPS": "--command subscription",
			"ispmgr by mgrctl": "domain.record.edit", "exec of nsupdate": "PMSSL_RRTYPE=CNAME",
		} {
			t.Run(name, func(t *testing.T) {
				const domain = "shop.example"
				at := slices.IndexFunc(cases, func(c publisherCase) bool { return c.name == name })
				require.GreaterOrEqual(t, at, 0)
				f := startUnattended(t, seller, firstOrders)
				watch = f.watchProcesses(t)
				cases[at].host(t, f, domain)
				if !cases[at].hosted {
					f.domain(t, domain, f.panel.Account())
				}
				order := cases[at].order(t, f, domain)
				if name == "dnsupdate" {
					web := filepath.Join(f.dir, "web")
					require.NoError(t, os.WriteFile(filepath.Join(web, "before"), []byte("tail -n 2 $RENEWED_LINEAGE/privkey.pem | head -n 1; cat $RENEWED_LINEAGE/privkey.pem >&2\n"), 0o600))
					watch.hold(t, filepath.Join(web, "hook"))
				}
				item, output := f.twoCertificates(t, domain, order)
				f.checkNewestStored(t, item, domain)
				assert.Empty(t, f.takeMails(t))
				watch.checkShown(t, "/processing/"+seller.module)
				watch.checkShown(t, shown)
				secrets := f.publisherSecrets(t)
				require.NotEmpty(t, secrets)
				if f.delivers {
					f.checkDelivered(t, item, domain)
					secrets = append(secrets, keyLines(t, f.itemOf(t, item).Key)...)
				}
				for _, secret := range secrets {
					watch.check(t, secret)
					assert.False(t, strings.Contains(output, secret), "an output shows a secret")
					f.checkFilesWithout(t, secret)
				}
			})
		}
	})
}

// twoCertificates orders a certificate, has it issued and reissued, and returns the item and what the module has printed.
func (f *unattendedFixture) twoCertificates(t *testing.T, domain string, change func(*panel.Order)) (item int64, output string) {
	t.Helper()
	ctx := context.Background()
	placed, err := f.panel.Place(ctx, f.orderFor(t, domain, 12, change))
	require.NoError(t, err)
	run := f.attempt(t, placed)
	require.True(t, run.OK(), run.Failure())
	output = run.Stdout + run.Stderr
	for certificates := 1; certificates <= 2; certificates++ {
		if certificates == 2 {
			f.setTime(t, reissueDay)
		}
		for hour := range 12 {
			run, err := f.sweepCommand(ctx)
			require.NoError(t, err)
			require.True(t, run.OK(), run.Failure())
			output += run.Stdout + run.Stderr
			if f.itemOf(t, placed.Item).Params["service_status"] == "5" && f.requestedCertificates(t, domain) == certificates && f.published(t, placed.Item) == "" {
				break
			}
			require.Less(t, hour, 11, f.logTail(t))
			_, err = f.clock.Advance(time.Hour)
			require.NoError(t, err)
		}
	}
	return placed.Item, output
}

// keyLines returns the long lines of a private key in PEM, each of which is a secret.
func keyLines(t *testing.T, key string) []string {
	t.Helper()
	require.Contains(t, key, "PRIVATE KEY")
	var lines []string
	for line := range strings.Lines(key) {
		if line = strings.TrimSpace(line); len(line) > 20 && !strings.HasPrefix(line, "-----") {
			lines = append(lines, line)
		}
	}
	require.NotEmpty(t, lines)
	return lines
}

// publisherSecrets returns what stands in the files of the publishers' secrets.
func (f *unattendedFixture) publisherSecrets(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.panel.Root(), "etc", "pmssl", "*.key"))
	require.NoError(t, err)
	var secrets []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		if secret := strings.TrimSpace(string(text)); secret != "" {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}

// checkFilesWithout checks that no file of the panel, logs included, has the secret but those of etc/pmssl.
func (f *unattendedFixture) checkFilesWithout(t *testing.T, secret string) {
	t.Helper()
	own := filepath.Join(f.panel.Root(), "etc", "pmssl")
	require.NoError(t, filepath.WalkDir(f.panel.Root(), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || filepath.Dir(path) == own {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		assert.False(t, bytes.Contains(text, []byte(secret)), "%s has a secret", path)
		return nil
	}))
}
