// Command sandbox-floor does what a plan says and nothing else: it sends statements to a database, forms to a seller, and starts mgrctl.
// It is the least that a Go program takes for the work of a command, and BenchmarkSyncAgainstFloor compares the module with it. It looks
// at no answer but for errors, keeps no log, and hides no secret. What the panel keeps encrypted it decrypts, because a call of the
// seller needs it.
package main

import (
	"context"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// plan is the work of one run.
type plan struct {
	DSN        string     `json:"dsn"`
	Statements []string   `json:"statements"` // each is sent and its rows are read
	Key        string     `json:"key"`        // file with the panel's RSA key
	Encrypted  []string   `json:"encrypted"`  // values in base64 that it decrypts, before the requests
	CA         string     `json:"ca"`         // file with the certificate of the seller's CA
	Requests   []request  `json:"requests"`   // sent after the first Before statements
	Before     int        `json:"before"`
	Calls      [][]string `json:"calls"` // programs with their arguments, started last
}

// request is a form that is posted.
type request struct {
	URL  string `json:"url"`
	Body string `json:"body"`
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	var todo plan
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &todo)
	}
	if err != nil {
		return err
	}
	config, err := mysql.ParseDSN(todo.DSN)
	if err != nil {
		return err
	}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	pool := sql.OpenDB(connector)
	defer pool.Close()
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	if err := query(ctx, conn, todo.Statements[:todo.Before]); err != nil {
		return err
	}
	if err := decrypt(todo.Key, todo.Encrypted); err != nil {
		return err
	}
	if err := ask(ctx, todo.CA, todo.Requests); err != nil {
		return err
	}
	if err := query(ctx, conn, todo.Statements[todo.Before:]); err != nil {
		return err
	}
	for _, words := range todo.Calls {
		if err := exec.CommandContext(ctx, words[0], words[1:]...).Run(); err != nil {
			return err
		}
	}
	return nil
}

// query sends the statements and reads the rows of each.
func query(ctx context.Context, conn *sql.Conn, statements []string) error {
	for _, statement := range statements {
		rows, err := conn.QueryContext(ctx, statement)
		if err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
		for rows.Next() {
			continue
		}
		if err := rows.Close(); err != nil {
			return err
		}
	}
	return nil
}

// decrypt decrypts the values as the panel has encrypted them: RSA with PKCS #1 v1.5.
func decrypt(file string, values []string) error {
	if len(values) == 0 {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s holds no key", file)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	for _, value := range values {
		secret, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			return err
		}
		//lint:ignore SA1019 it is the panel's format
		if _, err := rsa.DecryptPKCS1v15(nil, key, secret); err != nil {
			return err
		}
	}
	return nil
}

// ask posts the forms over one connection and reads the answers.
func ask(ctx context.Context, ca string, requests []request) error {
	if len(requests) == 0 {
		return nil
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	for _, one := range requests {
		post, err := http.NewRequestWithContext(ctx, http.MethodPost, one.URL, strings.NewReader(one.Body))
		if err != nil {
			return err
		}
		post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := client.Do(post)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
