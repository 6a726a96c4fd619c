// Command sandbox-hostpanel is a stand-in for a hosting server with ISPmanager or DNSmanager: the panel's API by HTTPS, a DNS server
// that answers from its zones, and a server that shows the certificates of its sites. Installed as sbin/mgrctl below a folder it is that panel's mgrctl; the file
// etc/sandbox-hostpanel there holds the control address. See --help and the documentation of pmssl/internal/sandbox/hostpanel.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"pmssl/internal/sandbox/clock"
	"pmssl/internal/sandbox/hostpanel"
	"pmssl/internal/sandbox/hostpanel/hostctl"
	"pmssl/internal/sandbox/loopback"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if filepath.Base(os.Args[0]) == "mgrctl" {
		os.Exit(hostctl.Run(ctx, filepath.Dir(filepath.Dir(os.Args[0])), os.Args[1:], os.Stdout, os.Stderr))
	}
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox-hostpanel:", err)
		os.Exit(1)
	}
}

type options struct{ listen, control, dns, sites, clock string }

func parse(args []string, stdout io.Writer) (options, error) {
	var o options
	flags := pflag.NewFlagSet("sandbox-hostpanel", pflag.ContinueOnError)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:0", "loopback address of the panel; port 0 takes a free one")
	flags.StringVar(&o.control, "control", "127.0.0.1:0", "loopback address of the control")
	flags.StringVar(&o.dns, "dns", "127.0.0.1:0", "loopback address of the DNS server, by UDP and TCP")
	flags.StringVar(&o.sites, "sites", "127.0.0.1:0", "loopback address of the sites' TLS")
	flags.StringVar(&o.clock, "clock", "", "file with one RFC 3339 instant that is the time; real time without it")
	flags.Usage = func() {
		fmt.Fprintf(stdout, "sandbox-hostpanel is a stand-in for a hosting server with ISPmanager or DNSmanager.\n\n"+
			"It prints its addresses, the pin of its certificate and the default account, and serves until SIGTERM or SIGINT.\n\n%s\n%s",
			flags.FlagUsages(), hostpanel.ControlHelp)
	}
	err := flags.Parse(args)
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, err
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	o, err := parse(args, stdout)
	if err != nil {
		return err
	}
	api, err := loopback.Listen(o.listen)
	if err != nil {
		return err
	}
	defer api.Close()
	control, err := loopback.Listen(o.control)
	if err != nil {
		return err
	}
	defer control.Close()
	certificate, pin, err := selfSigned()
	if err != nil {
		return err
	}
	panel := hostpanel.New(hostpanel.Config{Now: clock.New(time.Now, o.clock).Now, Random: rand.Reader})
	if err := isLoopback(o.dns, o.sites); err != nil {
		return err
	}
	names, err := panel.ServeDNS(o.dns)
	if err != nil {
		return err
	}
	defer names.Close()
	sites, err := panel.ServeTLS(o.sites)
	if err != nil {
		return err
	}
	defer sites.Close()
	fmt.Fprintf(stdout, "api https://%s/ispmgr\ndns %s\nsites %s\npin %s\ncontrol http://%s\naccount user=%s password=%s\n",
		api.Addr(), names.Address(), sites.Address(), pin, control.Addr(), hostpanel.DefaultUser, hostpanel.DefaultPassword)
	secure := tls.NewListener(api, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	return loopback.Serve(ctx, map[net.Listener]http.Handler{secure: panel, control: panel.Control()})
}

// isLoopback refuses servers that others could reach.
func isLoopback(addresses ...string) error {
	for _, address := range addresses {
		listener, err := loopback.Listen(address)
		if err == nil {
			err = listener.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// selfSigned returns a certificate as panels have it after their installation, long expired, and the pin of its key.
func selfSigned() (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ispmanager"},
		NotBefore: time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	sum := sha256.Sum256(parsed.RawSubjectPublicKeyInfo)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, "sha256/" + base64.StdEncoding.EncodeToString(sum[:]), nil
}
