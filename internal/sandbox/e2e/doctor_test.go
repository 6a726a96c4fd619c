package e2e

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pmssl/internal/sandbox/panel"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// doctorFixture is a complete installation: module, manifest, settings, timer, mail transport, and a sweep that has run.
type doctorFixture struct {
	*simulatedFixture
	host string // stands for the root directory of the host
}

// startHealthy starts an installation in which everything is as it should be.
func startHealthy(t *testing.T, seller sellerCase) *doctorFixture {
	t.Helper()
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	require.NoError(t, installSendmail(dir, keepMail))
	base := startConnected(t, fixtureOptions{
		dir: dir, seller: seller, simulated: true, start: instant(t, "2026-04-02"), env: []string{"PMSSL_HOST=" + host},
		options: []string{sendmailOption(dir), "SSLSubscriptionMailFrom noreply@example.com"},
	})
	f := &doctorFixture{&simulatedFixture{fixture: base, dir: dir}, host}
	require.NoError(t, f.standIn.setBalance("100.00"))
	root := f.panel.Root()
	manifest := "billmgr_mod_" + seller.module + ".xml"
	copyFile(t, filepath.Join("..", "..", "..", "etc", "xml", manifest), filepath.Join(root, "etc", "xml", manifest))
	units := filepath.Join(host, "etc", "systemd", "system")
	timer := "pmssl-subscription@.timer"
	for _, unit := range []string{timer, "pmssl-subscription@.service"} {
		copyFile(t, filepath.Join("..", "..", "..", "etc", "systemd", unit), filepath.Join(units, unit))
		text, err := os.ReadFile(filepath.Join(units, unit))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(units, unit), []byte(strings.ReplaceAll(string(text), "/usr/local/mgr5", root)), 0o644))
	}
	wants := filepath.Join(units, "timers.target.wants")
	require.NoError(t, os.MkdirAll(wants, 0o755))
	require.NoError(t, os.Symlink("/etc/systemd/system/"+timer, filepath.Join(wants, "pmssl-subscription@"+seller.module+".timer")))
	core := filepath.Join(root, "bin", "core")
	require.NoError(t, os.MkdirAll(filepath.Dir(core), 0o755))
	require.NoError(t, os.WriteFile(core, []byte("#!/bin/sh\n[ \"$*\" = 'billmgr -V' ] && echo 6.116.0\n"), 0o755))
	bundle := filepath.Join(host, "etc", "ssl", "certs", "ca-certificates.crt")
	answer := httptest.NewRecorder()
	f.standIn.Control().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/ca/root.pem", nil))
	require.NoError(t, os.MkdirAll(filepath.Dir(bundle), 0o755))
	require.NoError(t, os.WriteFile(bundle, answer.Body.Bytes(), 0o644))
	f.sweep(t)
	return f
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
	require.NoError(t, os.WriteFile(to, text, 0o644))
}

// examination is what doctor prints with --format json.
type examination struct {
	Outcome string `json:"outcome"`
	Failed  int    `json:"failed"`
	Checks  []struct {
		ID       string `json:"id"`
		Outcome  string `json:"outcome"`
		Findings []struct {
			Outcome string `json:"outcome"`
			Text    string `json:"text"`
			Mend    string `json:"mend"`
		} `json:"findings"`
	} `json:"checks"`
}

// doctor starts the command and returns its document. It fails if the exit code does not fit it.
func (f *doctorFixture) doctor(t *testing.T, args ...string) examination {
	t.Helper()
	return f.doctorOf(t, f.seller.module, args...)
}

// doctorOf is doctor with a program of another name in the panel's folder.
func (f *doctorFixture) doctorOf(t *testing.T, program string, args ...string) examination {
	t.Helper()
	run, err := f.panel.Start(context.Background(), program, nil, append([]string{"--command", "doctor", "--format", "json"}, args...)...)
	require.NoError(t, err)
	var got examination
	require.NoError(t, json.Unmarshal([]byte(run.Stdout), &got), "%s\n%s", run.Stdout, run.Stderr)
	want := 0
	if got.Failed > 0 {
		want = 1
	}
	assert.Equal(t, want, run.ExitCode)
	for _, secret := range f.standIn.secrets() {
		assert.NotContains(t, run.Stdout, secret)
	}
	return got
}

// crosses lists the failed findings as "id: text -> mend".
func (e examination) crosses() []string { return e.with("failed") }

func (e examination) with(outcome string) []string {
	var all []string
	for _, c := range e.Checks {
		for _, found := range c.Findings {
			if found.Outcome == outcome {
				all = append(all, fmt.Sprintf("%s: %s -> %s", c.ID, found.Text, found.Mend))
			}
		}
	}
	return all
}

// has reports whether a finding of the check has the outcome and contains the texts.
func (e examination) has(outcome, id, text, mend string) bool {
	for _, c := range e.Checks {
		for _, found := range c.Findings {
			if c.ID == id && found.Outcome == outcome && strings.Contains(found.Text, text) && strings.Contains(found.Mend, mend) {
				return true
			}
		}
	}
	return false
}

// steady replaces what differs in each run.
func (f *doctorFixture) steady(text string) string {
	text = strings.ReplaceAll(text, f.panel.Root(), "$ROOT")
	text = strings.ReplaceAll(text, f.dir, "$DIR")
	for _, rule := range []struct{ pattern, with string }{
		{`127\.0\.0\.1:\d+`, "127.0.0.1:PORT"}, {`pmssl_e2e_\d+_\d+`, "DATABASE"}, {`/[^" ]*/db\.sock`, "SOCKET"}, {`\d+ MiB`, "N MiB"}, {`\d+ inodes`, "N inodes"},
		{`after \d+ ms`, "after N ms"}, {`version [^"(,;]+`, "version V"}, {`"version": "[^"]*"`, `"version": "V"`},
	} {
		text = regexp.MustCompile(rule.pattern).ReplaceAllString(text, rule.with)
	}
	return text
}

// compare holds a text against the file; UPDATE_CASES=1 writes it.
func compare(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "doctor", name)
	if os.Getenv("UPDATE_CASES") != "" {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestDoctorFindsAHealthyInstallationInOrder(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startHealthy(t, seller)
		got := f.doctor(t)
		assert.Equal(t, "ok", got.Outcome, "%v %v %v", got.crosses(), got.with("warning"), got.with("not_checked"))
		run, err := f.panel.Start(context.Background(), seller.module, nil, "--command", "doctor", "--format", "json")
		require.NoError(t, err)
		compare(t, seller.module+".json", f.steady(run.Stdout))
		run, err = f.panel.Start(context.Background(), seller.module, nil, "--command", "doctor", "--format", "text")
		require.NoError(t, err)
		assert.Equal(t, len(got.Checks), strings.Count(run.Stdout, "\n ✓ "), "a tick for each check: %s", run.Stdout)
		assert.LessOrEqual(t, strings.Count(run.Stdout, "\n"), 45, "one screen")
	})
}

// brokenSetup is one thing that is wrong, and the cross that doctor makes of it.
type brokenSetup struct {
	name   string
	damage func(t *testing.T, f *doctorFixture)
	id     string // of the check
	text   string // part of the finding
	mend   string // part of the mend
	only   string // module; empty for both
}

// refuseAccount makes the seller refuse the module's user.
func (f *doctorFixture) refuseAccount(t *testing.T) {
	t.Helper()
	if f.seller.module == "pmnamecheap" {
		require.NoError(t, f.standIn.addFault("getbalances", "api_error", 9, "1011102", "API Key is invalid or API access has not been enabled"))
		return
	}
	_, err := f.standIn.runWord("account", []string{`password="another"`})
	require.NoError(t, err)
}

func (f *doctorFixture) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	path := filepath.Join(f.panel.Root(), name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), mode))
	require.NoError(t, os.Chmod(path, mode))
}

func brokenSetups() []brokenSetup {
	return []brokenSetup{
		{name: "a misspelt setting", id: "settings", text: `"SSLSubscriptionExpiredate" is no option, and is similar to SSLSubscriptionExpireDate`,
			mend: "write SSLSubscriptionExpireDate in line 1 of",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "SSLSubscriptionExpiredate term\n", 0o600)
			}},
		{name: "a value that cannot be used", id: "settings", text: `SSLUnattended "yes" cannot be used`, mend: "correct line 2 of",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "# on\nSSLUnattended yes\n", 0o600)
			}},
		{name: "the database is down", id: "database", text: "DBHost is 127.0.0.1:1", mend: "DBSocket in etc/billmgr.conf",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "DBHost 127.0.0.1:1\n", 0o600)
			}},
		{name: "a table without a column", id: "tables", text: "the database has no processingmodule.orderpriority", mend: "update the panel",
			damage: func(t *testing.T, f *doctorFixture) {
				f.sql(t, "ALTER TABLE processingmodule DROP COLUMN orderpriority")
			}},
		{name: "another key", id: "crypt_key", text: "cannot be decrypted with the panel's key", mend: "enter the parameter again",
			damage: func(t *testing.T, f *doctorFixture) {
				f.sql(t, "UPDATE processingcryptedparam SET value='AAAA'")
			}},
		{name: "no key", id: "crypt_key", text: "the panel's key", mend: "put the key back from a backup",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "CryptKey etc/nowhere.pem\n", 0o600)
			}},
		{name: "the panel does not answer", id: "mgrctl", text: "the panel does not answer", mend: "paramlist and read",
			damage: func(t *testing.T, f *doctorFixture) {
				require.NoError(t, f.panel.SetFaults(panel.Fault{Func: "paramlist", Kind: "down", Times: 9}))
			}},
		{name: "the panel's own module", id: "program", text: "is another program", mend: "install this version again",
			damage: func(t *testing.T, f *doctorFixture) {
				place := filepath.Join(f.panel.Root(), "processing", f.seller.module)
				require.NoError(t, os.Rename(place, place+".real"))
				f.write(t, "processing/"+f.seller.module, "#!/usr/bin/python3\n", 0o755)
			}},
		{name: "a module of the panel in the place of the package's link", id: "program", text: "is another program", mend: "/usr/lib/pmssl/link-",
			damage: func(t *testing.T, f *doctorFixture) {
				place := filepath.Join(f.panel.Root(), "processing", f.seller.module)
				require.NoError(t, os.Rename(place, place+".real"))
				f.write(t, "processing/"+f.seller.module, "#!/usr/bin/python3\n", 0o755)
				link := filepath.Join(f.host, "usr/lib/pmssl/link-"+f.seller.module)
				require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
				require.NoError(t, os.WriteFile(link, []byte("#!/bin/sh\n"), 0o755))
			}},
		{name: "the manifest of another version", id: "manifest", text: "is not that of this version", mend: "install this version again",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/xml/billmgr_mod_"+f.seller.module+".xml", "<mgrdata>"+f.seller.module+"</mgrdata>", 0o644)
			}},
		{name: "a configuration that others can read", id: "permissions", text: "has the mode 0644", mend: "chmod 600 ",
			damage: func(t *testing.T, f *doctorFixture) { f.write(t, "etc/pmssl/ns.conf", "", 0o644) }},
		{name: "a clock that is wrong", id: "clock", text: "this host's clock is", mend: "timedatectl set-ntp true",
			damage: func(t *testing.T, f *doctorFixture) { f.sellerAhead.Store(int64(10 * time.Minute)) }},
		{name: "a wrong password", id: "account", text: "", mend: "enter user and key or password again",
			damage: func(t *testing.T, f *doctorFixture) { f.refuseAccount(t) }},
		{name: "a seller that is not reached", id: "tls", text: "refuses the connection", mend: "no firewall blocks connections",
			damage: func(t *testing.T, f *doctorFixture) { f.server.Close() }},
		{name: "an empty account", id: "balance", text: "nothing can be bought", mend: "pay into the account at",
			damage: func(t *testing.T, f *doctorFixture) { require.NoError(t, f.standIn.setBalance("0.00")) }},
		{name: "no sender", id: "sender", text: "mails to clients have no sender", mend: "SSLSubscriptionMailFrom noreply@your-domain",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "SSLSubscriptionMailFrom\n", 0o600)
			}},
		{name: "a mail program that does not exist", id: "mta", text: "cannot be started", mend: "SSLSendmail /path/to/sendmail",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "SSLSendmail /nowhere/sendmail\n", 0o600)
			}},
		{name: "an edited text with an error", id: "templates", text: "expires.en.txt:2", mend: "correct the line, or remove the file",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/pmssl/templates/expires.en.txt", "Subject: x\n{{.Nonsense}}\n", 0o644)
			}},
		{name: "a timer that is not enabled", id: "timer", text: "is not enabled", mend: "systemctl enable --now pmssl-subscription@",
			damage: func(t *testing.T, f *doctorFixture) {
				require.NoError(t, os.RemoveAll(filepath.Join(f.host, "etc/systemd/system/timers.target.wants")))
			}},
		{name: "a timer for another root", id: "timer", text: "is for another root: it waits for /usr/local/mgr5/processing/%i", mend: "make install-systemd MGR5_ROOT=",
			damage: func(t *testing.T, f *doctorFixture) {
				timer := "pmssl-subscription@.timer"
				copyFile(t, filepath.Join("..", "..", "..", "etc", "systemd", timer), filepath.Join(f.host, "etc/systemd/system", timer))
			}},
		{name: "a sweep that is overdue", id: "last_sweep", text: "(4h0m0s ago)", mend: "systemctl status pmssl-subscription@",
			damage: func(t *testing.T, f *doctorFixture) { f.setTime(t, "2026-04-02T13:00:00Z") }},
		{name: "a sweep in the future", id: "last_sweep", text: "that is in the future", mend: "correct this host's clock",
			damage: func(t *testing.T, f *doctorFixture) { f.setTime(t, "2026-04-02T08:00:00Z") }},
		{name: "maintenance", id: "maintenance", text: "nothing is ordered", mend: "rm ",
			damage: func(t *testing.T, f *doctorFixture) { f.write(t, "etc/billmgr.DoNothing", "", 0o644) }},
		{name: "an operation that waits for a person", id: "operations", text: "1 operations wait for you: open of item", mend: "Running operations",
			damage: func(t *testing.T, f *doctorFixture) {
				placed, err := f.panel.Place(context.Background(), f.orderFor(t, "example.com", 12))
				require.NoError(t, err)
				f.sql(t, "UPDATE runningoperation SET manual='on' WHERE id=?", placed.Operation)
			}},
		{name: "a purchase without an outcome", id: "purchases", text: "a purchase without a known outcome: item", mend: "--command resolve --item N",
			damage: func(t *testing.T, f *doctorFixture) {
				placed, err := f.panel.Place(context.Background(), f.orderFor(t, "example.com", 12))
				require.NoError(t, err)
				f.sql(t, "INSERT INTO itemparam (item, intname, value) VALUES (?, 'purchase_intent', ?)", placed.Item, `{"kind":"create","time":"2026-04-01T00:00:00Z"}`)
			}},
		{name: "no CA certificates", id: "ca_bundle", text: "no CA certificates", mend: "install the package ca-certificates",
			damage: func(t *testing.T, f *doctorFixture) {
				require.NoError(t, os.RemoveAll(filepath.Join(f.host, "etc/ssl")))
			}},
		{name: "a publisher without its block", id: "publishers", text: "SSLUnattended is on, and no publisher is configured", mend: "write a publisher block",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/billmgr.conf.d/x.conf", "SSLUnattended on\n", 0o600)
			}},
		{name: "a program of a publisher that is missing", id: "publishers", text: "publisher hook (exec)", mend: "correct the block at",
			damage: func(t *testing.T, f *doctorFixture) {
				f.write(t, "etc/pmssl/hook.conf", "publisher hook exec\n  program /nowhere/hook\n  zone example.com\n", 0o600)
				require.NoError(t, os.Chmod(filepath.Join(f.panel.Root(), "etc/pmssl"), 0o700))
			}},
	}
}

func TestDoctorNamesWhatIsBrokenAndItsMend(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for _, setup := range brokenSetups() {
			if setup.only != "" && setup.only != seller.module {
				continue
			}
			t.Run(setup.name, func(t *testing.T) {
				f := startHealthy(t, seller)
				setup.damage(t, f)
				module := seller.module
				if setup.id == "program" { // the real program, beside the one that has its place
					module += ".real"
				}
				got := f.doctorOf(t, module)
				assert.True(t, got.has("failed", setup.id, setup.text, setup.mend), "%s", strings.Join(append(got.crosses(), got.with("warning")...), "\n"))
			})
		}
	})
}

// The parameters of another program's module are for another seller: nothing is sent with them.
func TestDoctorRefusesTheModuleOfAnotherProgram(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startHealthy(t, seller)
		f.sql(t, "INSERT INTO processingmodule (id, name, module, active) VALUES (99, 'other', 'pmother', 'on')")
		f.sql(t, "INSERT INTO processingparam (processingmodule, intname, value) SELECT 99, intname, value FROM processingparam WHERE processingmodule=?", f.moduleID)
		f.sql(t, "INSERT INTO processingcryptedparam (processingmodule, intname, value) SELECT 99, intname, value FROM processingcryptedparam WHERE processingmodule=?", f.moduleID)
		f.standIn.forgetRequests()
		got := f.doctor(t, "--module", "99")
		assert.True(t, got.has("failed", "crypt_key", "the processing module 99 is none of "+seller.module, "or leave it out"), "%v", got.crosses())
		assert.Empty(t, f.standIn.requests())
		assert.Equal(t, "ok", f.doctor(t, "--module", fmt.Sprint(f.moduleID)).Outcome)
	})
}

// rules DOCTOR-1
func TestDoctorChangesNothing(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startHealthy(t, seller)
		f.changeSeller(t, func(m *behaviour) { m.issuesAtOnce = true })
		item := f.storedItem(t, "example.com", 12)
		require.NoError(t, f.panel.ClearRequests())
		f.standIn.forgetRequests()
		paid := f.paymentCount(t)
		before, err := fingerprints(f.panel.Root(), seller.module)
		require.NoError(t, err)
		rows := f.tableSums(t)
		f.doctor(t, "--item", fmt.Sprint(item))
		after, err := fingerprints(f.panel.Root(), seller.module)
		require.NoError(t, err)
		panelLog := filepath.Join(f.panel.Root(), "var", "billmgr.log") // the panel itself logs that paramlist was called
		delete(before, panelLog)
		delete(after, panelLog)
		assert.Equal(t, before, after, "files")
		assert.Equal(t, rows, f.tableSums(t), "the panel's database")
		calls, err := f.panel.Requests()
		require.NoError(t, err)
		for _, call := range calls {
			assert.Equal(t, "paramlist", call.Func)
		}
		requests := f.standIn.requests()
		assert.NotEmpty(t, requests)
		for _, line := range requests {
			assert.True(t, harmless(line), line)
		}
		assert.Equal(t, paid, f.paymentCount(t))
		assert.Empty(t, f.takeMails(t))
	})
}

// tableSums returns the content of the tables that the module reads.
func (f *doctorFixture) tableSums(t *testing.T) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for _, table := range []string{"item", "itemparam", "certificate", "processingmodule", "processingparam", "runningoperation", "task", "problems"} {
		rows, err := f.panel.DB().Query("SELECT * FROM " + table + " ORDER BY 1")
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(any)
			}
			require.NoError(t, rows.Scan(row...))
			for _, value := range row {
				sums[table] += fmt.Sprintf("%s|", *value.(*any))
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return sums
}

func TestDoctorWorksWithoutAPanel(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startHealthy(t, seller)
		binary := filepath.Join(f.panel.Root(), "processing", seller.module)
		for name, root := range map[string]string{"no root": filepath.Join(f.dir, "nowhere"), "an empty root": t.TempDir()} {
			t.Run(name, func(t *testing.T) {
				cmd := exec.Command(binary, "--command", "doctor", "--format", "json")
				cmd.Env = []string{"MGR5_ROOT=" + root, "PMSSL_HOST=" + f.host}
				out, err := cmd.Output()
				var exit *exec.ExitError
				require.ErrorAs(t, err, &exit)
				assert.Equal(t, 1, exit.ExitCode())
				var got examination
				require.NoError(t, json.Unmarshal(out, &got), "%s", out)
				assert.True(t, got.has("failed", "root", "the panel's folder", "MGR5_ROOT"), "%v", got.crosses())
				assert.True(t, got.has("ok", "ca_bundle", "certificates", ""), "what needs no panel is checked: %v", got.crosses())
				assert.True(t, got.has("not_checked", "database", "needs", ""))
				assert.NoDirExists(t, filepath.Join(root, "var"), "nothing is created")
			})
		}
		f.write(t, "etc/billmgr.conf", "", 0o600)
		require.NoError(t, os.RemoveAll(filepath.Join(f.panel.Root(), "etc", "billmgr.conf")))
		assert.True(t, f.doctor(t).has("warning", "settings", "billmgr.conf does not exist", "put the file back"))
	})
}

func TestDoctorSendsATestMail(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startHealthy(t, seller)
		assert.Equal(t, "ok", f.doctor(t, "--mail", "admin@example.com").Outcome)
		mails := f.takeMails(t)
		require.Len(t, mails, 1)
		assert.Contains(t, mails[0].to, "admin@example.com")
		assert.Contains(t, mails[0].body, "Nothing has to be done")
		require.NoError(t, installSendmail(f.dir, refuseMail))
		got := f.doctor(t, "--mail", "admin@example.com")
		assert.True(t, got.has("failed", "test_mail", "its configuration is wrong", "read the mail server's log"), "%v", got.crosses())
	})
}

// The issuer is named, so that a proxy in between is seen.
func TestDoctorNamesWhoIssuedTheSellersCertificate(t *testing.T) {
	f := startHealthy(t, ispmgrCase()) // whose address is a parameter of the module
	secure := httptest.NewUnstartedServer(f.server.Config.Handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that the module ends
	secure.StartTLS()
	t.Cleanup(secure.Close)
	f.sql(t, "UPDATE processingparam SET value=REPLACE(value, ?, ?) WHERE intname='url'", f.server.URL, secure.URL)
	got := f.doctor(t)
	assert.True(t, got.has("failed", "tls", "issued by the CA O=Acme Co", "SSLSellerCA"), "%v", got.crosses())
	assert.True(t, got.has("not_checked", "account", "the seller did not answer", ""))
	f.write(t, "etc/seller-ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})), 0o644)
	f.write(t, "etc/billmgr.conf.d/x.conf", "SSLSellerCA etc/seller-ca.pem\n", 0o600)
	got = f.doctor(t)
	assert.True(t, got.has("ok", "tls", "issued by O=Acme Co", ""), "%v", got.crosses())
	assert.Equal(t, "ok", got.Outcome, "%v", got.with("warning"))
}
