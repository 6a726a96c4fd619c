package e2e

import (
	"bytes"
	"context"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startWithEnv starts the module with additional environment variables and returns its stdout and its exit code.
func (f *fixture) startWithEnv(t *testing.T, env []string, stdin string, args ...string) (stdout string, code int) {
	t.Helper()
	process := exec.Command(filepath.Join(f.panel.Root(), "processing", f.seller.module), args...)
	process.Dir, process.Env, process.Stdin = f.panel.Root(), append(f.moduleEnv(), env...), strings.NewReader(stdin)
	var out, stderr bytes.Buffer
	process.Stdout, process.Stderr = &out, &stderr
	err := process.Run()
	require.NotNil(t, process.ProcessState, err)
	t.Logf("%v: exit %d, stderr: %s", args, process.ProcessState.ExitCode(), stderr.String())
	return out.String(), process.ProcessState.ExitCode()
}

// useSellerAddress sets the seller's address in the module's parameters, if the seller has such a parameter.
func (f *fixture) useSellerAddress(t testing.TB, address string) {
	t.Helper()
	if url, there := f.standIn.connectionParams(address)["url"]; there {
		_, err := f.panel.Mgrctl(context.Background(), "processing.saveparam", "elid="+strconv.FormatInt(f.moduleID, 10), "param=url", "value="+url)
		require.NoError(t, err)
	}
}

// setOptions replaces the lines of environment.conf in billmgr.conf.d.
func (f *fixture) setOptions(t testing.TB, lines ...string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "environment.conf"), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
}

// rules CLI-2, CLI-8: environment variables do not change which CAs the module trusts for the seller's server; only the option
// SSLSellerCA does.
func TestEnvironmentDoesNotChangeTrustedCAs(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		server := httptest.NewTLSServer(f.intercept(f.standIn))
		t.Cleanup(server.Close)
		bundle := filepath.Join(t.TempDir(), "planted.pem")
		require.NoError(t, os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
		f.useSellerAddress(t, server.URL)
		env := append(f.standIn.moduleEnv(server.URL), "SSL_CERT_FILE="+bundle, "SSL_CERT_DIR="+filepath.Dir(bundle))
		words := []string{"--command", "getbalance", "--module", strconv.FormatInt(f.moduleID, 10)}
		f.requestCounts.forget()
		stdout, code := f.startWithEnv(t, env, "", words...)
		assert.Equal(t, 1, code)
		assert.Contains(t, stdout, `type="not_the_seller"`)
		assert.Contains(t, stdout, "is issued by the CA O=Acme Co, which is ")
		assert.Empty(t, f.requestCounts.all(), "nothing was sent to an untrusted server")

		f.setOptions(t, "SSLSellerCA "+bundle)
		stdout, code = f.startWithEnv(t, f.standIn.moduleEnv(server.URL), "", words...)
		assert.Equal(t, 0, code, stdout)
		assert.NotEmpty(t, f.requestCounts.all())

		elsewhere := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
		f.useSellerAddress(t, elsewhere)
		f.requestCounts.forget()
		stdout, code = f.startWithEnv(t, f.standIn.moduleEnv(elsewhere), "", words...)
		assert.Equal(t, 1, code)
		assert.Contains(t, stdout, `type="not_the_seller"`)
		assert.Contains(t, stdout, "is for example.com, *.example.com, 127.0.0.1, ::1, not for localhost: DNS or a proxy leads to another host, or the address is wrong")
		assert.Empty(t, f.requestCounts.all())

		f.setOptions(t, "SSLSellerCA "+bundle+".missing")
		stdout, code = f.startWithEnv(t, f.standIn.moduleEnv(server.URL), "", words...)
		assert.Equal(t, 1, code)
		assert.Contains(t, stdout, `type="value"`)
		assert.Contains(t, stdout, bundle+".missing")
	})
}

// rules CLI-2: the module uses no proxy that the environment names, also not for addresses outside this host.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	f := startFixture(t, ispmgrCase()) // at this seller the administrator enters the address
	done, err := f.connect(context.Background(), nil)
	require.NoError(t, err)
	proxy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { proxy.Close() })
	var asked atomic.Int64
	go func() {
		for {
			conn, err := proxy.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			conn.Close()
		}
	}()
	var env []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		env = append(env, name+"=http://"+proxy.Addr().String())
	}
	form := strings.ReplaceAll(done.Check.Stdin, f.server.URL, "https://192.0.2.1:1")
	form = strings.ReplaceAll(form, strings.ReplaceAll(f.server.URL, "http://", ""), "192.0.2.1:1")
	require.NotEqual(t, done.Check.Stdin, form)
	// The form refuses the address, or the connection fails; this test only checks that the proxy gets no connection.
	stdout, code := f.startWithEnv(t, append(env, "NO_PROXY="), form, done.Check.Args...)
	assert.Equal(t, 1, code, stdout)
	assert.Zero(t, asked.Load(), stdout)
}

// rules CLI-2: the module starts programs by their absolute path, with no variable of its own environment but the panel's root.
func TestEnvironmentDoesNotAffectStartedPrograms(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		dir := t.TempDir()
		ran, seen := filepath.Join(dir, "ran"), filepath.Join(dir, "seen")
		for _, name := range []string{"sendmail", "mgrctl", "sh", "env"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\necho "+name+" >>"+ran+"\n"), 0o700))
		}
		mgrctl := filepath.Join(f.panel.Root(), "sbin", "mgrctl")
		real, err := filepath.EvalSymlinks(mgrctl)
		require.NoError(t, err)
		kept := filepath.Join(f.panel.Root(), "sbin", "mgrctl.real")
		require.NoError(t, os.Rename(real, kept))
		wrapper := "#!/bin/sh\n/usr/bin/env >>" + seen + "\nexec " + kept + " \"$@\"\n"
		require.NoError(t, os.WriteFile(mgrctl, []byte(wrapper), 0o700))

		planted := []string{
			"PATH=" + dir, "LD_PRELOAD=" + dir + "/x.so", "LD_LIBRARY_PATH=" + dir, "LANG=xx", "LC_ALL=xx", "TMPDIR=" + dir, "ENV=" + dir + "/rc", "BASH_ENV=" + dir + "/rc",
			"IFS=/", "RES_OPTIONS=ndots:15", "LOCALDOMAIN=planted.example", "HOSTALIASES=" + dir + "/hosts", "MYSQL_HOME=" + dir, "MYSQL_HOST=192.0.2.1", "MYSQL_PWD=planted",
			"USER=planted", "HOME=" + dir, "SSH_CONNECTION=planted", "PLANTED=planted", "TZ=Europe/Riga",
		}
		placed := f.place(t, exampleCSR(t))
		stdout, code := f.startWithEnv(t, planted, "", "--command", "open", "--item", strconv.FormatInt(placed.Item, 10), "--runningoperation", strconv.FormatInt(placed.Operation, 10))
		require.Equal(t, 0, code, stdout)
		assert.NoFileExists(t, ran)
		text, err := os.ReadFile(seen)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			switch name {
			case "PWD", "SHLVL", "_", "OLDPWD": // the wrapper's shell
			case "PATH":
				assert.Equal(t, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", value)
			case "HOME":
				assert.Equal(t, "/root", value)
			case "MGR5_ROOT":
				assert.Equal(t, f.panel.Root(), value)
			case "SSH_CONNECTION":
				assert.Equal(t, seller.module, value)
			default:
				assert.True(t, strings.HasPrefix(name, "PMSSL_"), "mgrctl is given %s", name)
			}
		}
		assert.Contains(t, string(text), "SSH_CONNECTION=", "mgrctl was started")
	})
}

// rules CLI-2: environment variables of the Go runtime change nothing. In FIPS 140 mode the module could not decrypt the panel's
// parameters, and a core dump would contain them.
func TestEnvironmentDoesNotChangeTheGoRuntime(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		f := startFixture(t, seller)
		for _, variable := range []string{"GODEBUG=fips140=only", "GODEBUG=http2debug=2,netdns=cgo+9,tlsrsakex=1,x509negativeserial=1", "GOTRACEBACK=crash", "GOMEMLIMIT=1", "GOGC=off"} {
			stdout, code := f.startWithEnv(t, []string{variable, "PATH="}, "", "--command", "getbalance", "--module", strconv.FormatInt(f.moduleID, 10))
			assert.Equal(t, 0, code, "%s: %s", variable, stdout)
			assert.Contains(t, stdout, "<balance>", variable)
		}
	})
}

// rules CLI-2: if SSLSendmail names a program, the module starts no other sendmail, also none from PATH.
func TestOnlyTheConfiguredSendmailIsStarted(t *testing.T) {
	f := startSimulated(t, namecheapCase(), firstOrders, "SSLSubscriptionPolicy manual", "SSLSendmail /nonexistent/sendmail")
	f.storedItem(t, "example.org", 12)
	f.setTime(t, "2026-10-10")
	ran := filepath.Join(f.dir, "ran")
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "sendmail"), []byte("#!/bin/sh\n: >"+ran+"\n"), 0o700))
	stdout, code := f.startWithEnv(t, []string{"PATH=" + f.dir, "PMSSL_CLOCK=" + filepath.Join(f.dir, "clock")}, "", "--command", "subscription")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "/nonexistent/sendmail cannot be started")
	assert.NoFileExists(t, ran)
}
