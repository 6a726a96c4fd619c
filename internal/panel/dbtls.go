package panel

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"

	"pmssl/internal/fault"
)

// Options of billmgr.conf for a database connection by TLS. They belong to this module; the panel has no documented ones.
const (
	// settingDatabaseCA is a file with the CA certificates of the database server in PEM; with it every connection uses
	// TLS.
	settingDatabaseCA = "SSLDatabaseCA"
	// settingDatabaseTLSName is the name in the server's certificate if it differs from DBHost.
	settingDatabaseTLSName = "SSLDatabaseTLSName"
)

// anyName is the value of SSLDatabaseTLSName for certificates without a usable name, such as those that MySQL generates.
const anyName = "any"

const maxCA = 1 << 20 // limit of the file of SSLDatabaseCA, in bytes

// databaseTLS returns the TLS settings for the database, nil if billmgr.conf does not ask for TLS (rules PANEL-8). The
// server's certificate must chain to the CA of SSLDatabaseCA and have the host's name. The system's CA certificates are not
// used: they would accept a certificate of any public CA.
func (h *Host) databaseTLS() (*tls.Config, error) {
	settings, err := h.settings()
	if err != nil {
		return nil, err
	}
	file, name := settings[settingDatabaseCA], settings[settingDatabaseTLSName]
	switch {
	case file == "" && name == "":
		return nil, nil
	case file == "":
		return nil, fault.Errorf(fault.Value, settingDatabaseCA, "billmgr.conf sets %s without %s: name the file with the CA certificate of the database server too",
			settingDatabaseTLSName, settingDatabaseCA)
	}
	text, err := readBounded(h.path(file), maxCA)
	if err != nil {
		return nil, fault.Errorf(fault.Value, settingDatabaseCA, "the file of %s in billmgr.conf cannot be read: %w", settingDatabaseCA, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fault.Errorf(fault.Value, settingDatabaseCA, "%s, which billmgr.conf names in %s, holds no certificate in PEM", h.path(file), settingDatabaseCA)
	}
	config := &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
	if name == anyName {
		config.ServerName = ""
		config.InsecureSkipVerify = true // the name is not verified; VerifyConnection verifies the chain
		config.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, roots) }
	}
	return config, nil
}

// verifyChain checks that the server's certificate chains to one of the roots.
func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		intermediates.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates})
	return err
}

// MySQL's error numbers about connecting.
const (
	errTooManyConnections = 1040
	errUnknownDatabase    = 1049
	errAccessDenied       = 1045
	errSecureTransport    = 3159 // ER_SECURE_TRANSPORT_REQUIRED
	errConnectionAborted  = 1184 // ER_NEW_ABORTING_CONNECTION: init_connect failed
)

const tlsHint = "the server takes TLS connections only (require_secure_transport, REQUIRE SSL): set " + settingDatabaseCA +
	" in etc/billmgr.conf to a file with the CA certificate of the server"

// connectHint adds to an error of connecting what the administrator can do. secure is true if TLS was requested.
func connectHint(err error, secure bool) error {
	if hinted := serverHint(err, secure); hinted != nil {
		return hinted
	}
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.Is(err, mysql.ErrNoTLS):
		return fmt.Errorf("the server does not offer TLS, but %s in etc/billmgr.conf requires it: %w", settingDatabaseCA, err)
	case errors.As(err, &authority):
		return fmt.Errorf("%w; the certificate of the server does not chain to one in the file of %s in etc/billmgr.conf", err, settingDatabaseCA)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w; set this server's clock if it is wrong, else renew the certificate of the database server", err)
	case errors.As(err, &host):
		return fmt.Errorf("%w; set %s in etc/billmgr.conf to a name in the certificate of the server, or to %s", err, settingDatabaseTLSName, anyName)
	}
	return err
}

// serverHint adds to a server's error what the administrator can do; nil for other errors.
func serverHint(err error, secure bool) error {
	var answer *mysql.MySQLError
	if !errors.As(err, &answer) {
		return nil
	}
	switch number := answer.Number; {
	case number == errSecureTransport && !secure:
		return fmt.Errorf("%w; %s", err, tlsHint)
	case number == errAccessDenied && !secure: // MariaDB answers this for right passwords too, if the account requires TLS
		return fmt.Errorf("this connection, which is not encrypted, was refused: %w; if DBUser and DBPassword are right (the panel uses them as well), %s", err, tlsHint)
	case number == errUnknownDatabase:
		return fmt.Errorf("%w; correct DBName in etc/billmgr.conf", err)
	case number == errTooManyConnections:
		return fmt.Errorf("%w; raise max_connections of the server, or wait", err)
	case number == errConnectionAborted:
		return fmt.Errorf("%w; the server's init_connect fails for this account: check the server's log", err)
	}
	return nil
}
