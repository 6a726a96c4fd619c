package system

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSleepEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.ErrorIs(t, sleep(ctx, 24*time.Hour), context.Canceled)
	assert.NoError(t, sleep(context.Background(), 0))
}

func TestAddressesAreIPv4(t *testing.T) {
	found, err := addresses()
	assert.NoError(t, err)
	for _, a := range found {
		assert.True(t, a.Is4(), a)
	}
}

func TestTheSystemIsComplete(t *testing.T) {
	sys := Real()
	assert.NotNil(t, sys.Stdin)
	assert.NotNil(t, sys.Stdout)
	assert.NotNil(t, sys.Stderr)
	assert.NotNil(t, sys.Getenv)
	assert.NotNil(t, sys.Now)
	assert.NotNil(t, sys.Sleep)
	assert.NotNil(t, sys.Jitter)
	assert.NotNil(t, sys.Rand)
	assert.NotNil(t, sys.Addresses)
	assert.NotNil(t, sys.Dial)
	assert.NotEmpty(t, sys.ResolvConf)
	assert.NotNil(t, sys.CatchSignals)
	assert.NotNil(t, sys.Exit)
	assert.Positive(t, sys.PID)
}

// rules CLI-2: only documented variables stay in the environment, and child processes get only the panel's root of it.
func TestTheEnvironmentIsReducedToWhatIsDocumented(t *testing.T) {
	environ := []string{
		"MGR5_ROOT=/opt/mgr5", "NAMECHEAP_API_URL=http://127.0.0.1:1/xml.response", "TZ=Europe/Riga",
		"SSL_CERT_FILE=/tmp/ca.pem", "SSL_CERT_DIR=/tmp", "HTTPS_PROXY=http://10.0.0.1:3128", "https_proxy=http://10.0.0.1:3128",
		"NO_PROXY=*", "ALL_PROXY=socks5://10.0.0.1", "GODEBUG=fips140=only", "PATH=/tmp", "LD_PRELOAD=/tmp/x.so", "RES_OPTIONS=ndots:9",
		"LOCALDOMAIN=example", "HOSTALIASES=/tmp/hosts", "TMPDIR=/tmp/x", "LANG=C", "MYSQL_HOME=/tmp", "MGR5_ROOTS=/x", "=x", "",
	}
	assert.Equal(t, environ[:3], reduced(environ))
	for _, row := range []struct {
		environ []string
		set     bool
	}{
		{environ, true}, {environ[:9], false}, {[]string{"GODEBUG="}, false}, {[]string{"GOTRACEBACK=crash"}, true}, {[]string{"GOFLAGS=x"}, false}, {nil, false},
	} {
		assert.Equal(t, row.set, isSet(row.environ, startVariables()), row.environ)
	}
	t.Setenv("MGR5_ROOT", "/opt/mgr5")
	t.Setenv("LD_PRELOAD", "/tmp/x.so")
	assert.Equal(t, []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "MGR5_ROOT=/opt/mgr5"}, childEnvironment())
}
