package root

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// Directive is one line of billmgr.conf.
type Directive struct{ Name, Value string }

// Conf is what etc/billmgr.conf and etc/billmgr.conf.d/*.conf say, in the order of the lines.
type Conf []Directive

// Get returns the last value of a directive, or "" if there is none.
func (c Conf) Get(name string) string {
	for _, d := range slices.Backward(c) {
		if d.Name == name {
			return d.Value
		}
	}
	return ""
}

// ReadConf reads the panel's settings.
func (d Dir) ReadConf() (Conf, error) {
	more, err := filepath.Glob(d.Path("etc", "billmgr.conf.d", "*.conf"))
	if err != nil {
		return nil, fmt.Errorf("listing billmgr.conf.d: %w", err)
	}
	slices.Sort(more)
	var c Conf
	for _, name := range append([]string{d.Path("etc", "billmgr.conf")}, more...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the panel's settings: %w", err)
		}
		c = append(c, parseConf(text)...)
	}
	return c, nil
}

// parseConf understands "Name value", "Option Name" (a flag: value "on") and "Option Name value"
// (docs/reference/billmanager.md §10).
func parseConf(text []byte) Conf {
	var c Conf
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value := cut(line)
		if name == "Option" {
			if name, value = cut(value); value == "" {
				value = "on"
			}
		}
		if name != "" {
			c = append(c, Directive{Name: name, Value: value})
		}
	}
	return c
}

func cut(line string) (first, rest string) {
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		return line, ""
	}
	return line[:i], strings.TrimSpace(line[i:])
}

// Database is where the panel's database is.
type Database struct {
	Host     string // "localhost", host or host:port
	User     string
	Password string
	Name     string
	Socket   string // path; used where Host is localhost
}

// FromDSN translates a go-sql-driver address into the panel's directives. The panel documents no directive for a
// port: one that is not 3306 becomes part of DBHost.
func FromDSN(dsn string) (Database, error) {
	c, err := mysql.ParseDSN(dsn)
	if err != nil {
		return Database{}, fmt.Errorf("database address: %w", err)
	}
	if c.DBName == "" {
		return Database{}, fmt.Errorf("database address names no database (user:password@unix(/socket)/name)")
	}
	d := Database{Host: "localhost", User: c.User, Password: c.Passwd, Name: c.DBName}
	if c.Net == "unix" {
		d.Socket = c.Addr
		return d, nil
	}
	d.Host = c.Addr
	if host, port, err := net.SplitHostPort(c.Addr); err == nil && port == "3306" {
		d.Host = host
	}
	return d, nil
}

// Directives returns the lines of billmgr.conf that name this database.
func (d Database) Directives() []Directive {
	return slices.DeleteFunc([]Directive{
		{"DBHost", d.Host}, {"DBUser", d.User}, {"DBPassword", d.Password}, {"DBName", d.Name}, {"DBSocket", d.Socket},
	}, func(l Directive) bool { return l.Value == "" })
}

func (d Database) conf() string {
	var b strings.Builder
	for _, l := range d.Directives() {
		fmt.Fprintf(&b, "%s %s\n", l.Name, l.Value)
	}
	return b.String()
}

// DSN returns the go-sql-driver address that the settings name.
func (c Conf) DSN() string {
	m := mysql.NewConfig()
	m.User, m.Passwd, m.DBName = or(c.Get("DBUser"), "root"), c.Get("DBPassword"), or(c.Get("DBName"), "billmgr")
	m.Params = map[string]string{"autocommit": "1", "sql_mode": "''"} // the panel does not depend on the server's defaults
	host := or(c.Get("DBHost"), "localhost")
	if socket := c.Get("DBSocket"); socket != "" && host == "localhost" {
		m.Net, m.Addr = "unix", socket
		return m.FormatDSN()
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(host, "3306")
	}
	m.Net, m.Addr = "tcp", host
	return m.FormatDSN()
}

func or(value, other string) string {
	if value != "" {
		return value
	}
	return other
}
