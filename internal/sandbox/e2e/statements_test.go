package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Commands of MySQL's protocol: the first byte of a packet that begins an exchange.
const (
	comQuit      = 0x01 // has no answer
	comQuery     = 0x03
	comPrepare   = 0x16
	comExecute   = 0x17
	comCloseStmt = 0x19 // has no answer
)

// statementLog is what the module has sent to the database through a socket that stands before the server's own. A statement is one
// round trip.
type statementLog struct {
	mu          sync.Mutex
	statements  []string
	connections int
}

// forget empties the log.
func (l *statementLog) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statements, l.connections = nil, 0
}

// all returns the statements in the order in which they were sent, and how many connections were opened.
func (l *statementLog) all() ([]string, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.statements), l.connections
}

func (l *statementLog) add(statement string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statements = append(l.statements, statement)
}

// logStatements leads the module's database connections through a socket of the test.
func (f *fixture) logStatements(t testing.TB) *statementLog {
	t.Helper()
	dir, err := os.MkdirTemp("", "db") // a path of a socket has at most 107 bytes
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := mysql.ParseDSN(f.config.DSN)
	require.NoError(t, err)
	socket := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	conf := filepath.Join(f.panel.Root(), "etc", "billmgr.conf.d", "statements.conf")
	require.NoError(t, os.WriteFile(conf, []byte("DBHost localhost\nDBSocket "+socket+"\n"), 0o600))
	log := &statementLog{}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go log.pass(client, server, f.seller.module)
		}
	}()
	return log
}

// pass passes one connection on to the server. What another program than the module sends, such as the stand-in of mgrctl, is not kept.
func (l *statementLog) pass(client net.Conn, server *mysql.Config, module string) {
	defer client.Close()
	behind, err := new(net.Dialer).DialContext(context.Background(), server.Net, server.Addr)
	if err != nil {
		return
	}
	defer behind.Close()
	go func() {
		_, _ = io.Copy(client, behind)
		_ = client.Close()
	}()
	own := peerName(client) == module
	if own {
		l.mu.Lock()
		l.connections++
		l.mu.Unlock()
	}
	for {
		packet, err := readPacket(client)
		if err != nil {
			return
		}
		if own && packet[3] == 0 && len(packet) > 4 { // the login has the sequence number 1
			l.note(packet[4], string(packet[5:]))
		}
		if _, err := behind.Write(packet); err != nil {
			return
		}
	}
}

func (l *statementLog) note(command byte, text string) {
	switch command {
	case comQuit, comCloseStmt:
	case comQuery:
		l.add(strings.Join(strings.Fields(text), " "))
	case comPrepare:
		l.add("PREPARE " + strings.Join(strings.Fields(text), " "))
	case comExecute:
		l.add("EXECUTE")
	default:
		l.add(fmt.Sprintf("command %#x", command))
	}
}

// readPacket reads one packet with its header: three bytes of length, one with the sequence number.
func readPacket(from io.Reader) ([]byte, error) {
	packet := make([]byte, 4)
	if _, err := io.ReadFull(from, packet); err != nil {
		return nil, err
	}
	packet = append(packet, make([]byte, int(packet[0])|int(packet[1])<<8|int(packet[2])<<16)...)
	_, err := io.ReadFull(from, packet[4:])
	return packet, err
}

// peerName returns the name of the program at the other end of a socket; empty if it is not known.
func peerName(conn net.Conn) string {
	socket, is := conn.(*net.UnixConn)
	if !is {
		return ""
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return ""
	}
	var peer *syscall.Ucred
	if err := raw.Control(func(fd uintptr) { peer, _ = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED) }); err != nil || peer == nil {
		return ""
	}
	name, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(int(peer.Pid)), "comm"))
	return strings.TrimSpace(string(name))
}

// statementSteps are the commands whose statements are counted, in their order, each in the life of one item: those that the panel
// starts, and the sweep. Each begins where the one before has ended.
func statementSteps() map[string][]statementStep {
	return map[string][]statementStep{
		"operations": {
			{name: "open", run: (*life).open, limits: limits(34, 34)},
			{name: "sync_item of a waiting order", before: (*life).later, run: (*life).sync, limits: limits(15, 15)},
			{name: "sync_item that stores", before: (*life).proveLater, run: (*life).sync, limits: limits(17, 17)},
			{name: "reopen", before: (*life).due, run: (*life).reopen, limits: limits(19, 18)},
			{name: "sync_item that stores the reissue", before: (*life).proveLater, run: (*life).sync, limits: limits(17, 17)},
		},
		"sweep": {
			{name: "open", run: (*life).open},
			{name: "subscription that stores", before: (*life).proveLater, run: (*life).sweep, limits: limits(27, 27)},
			{name: "subscription without a due item", before: (*life).later, run: (*life).sweep, limits: limits(14, 14)},
			{name: "subscription with one due item", before: (*life).due, run: (*life).sweep, limits: limits(33, 32)},
			{name: "subscription with one waiting item", before: (*life).later, run: (*life).sweep, limits: limits(25, 25)},
		},
	}
}

// limits returns the most statements, by module.
func limits(namecheap, ispmgr int) map[string]int {
	return map[string]int{"pmnamecheap": namecheap, "pmispmgrssl": ispmgr}
}

// statementStep is one command, with the number of its statements at most, by module; nil if they are not counted.
type statementStep struct {
	name   string
	before func(l *life, t *testing.T) // what happens meanwhile; nil for nothing
	run    func(l *life, t *testing.T) error
	limits map[string]int
}

func (l *life) later(t *testing.T) { l.pass(t, 3*time.Hour) }

func (l *life) reopen(t *testing.T) error {
	_, run, err := l.panel.Reissue(context.Background(), l.placed.Item, "", "", nil)
	return l.ended(t, run, err)
}

// docs/performance.md: how many statements each command sends. Each is a round trip to the database, so a new one needs a reason in the
// table there.
func TestStatementsOfEachCommand(t *testing.T) {
	eachSeller(t, func(t *testing.T, seller sellerCase) {
		for name, steps := range statementSteps() {
			t.Run(name, func(t *testing.T) {
				l := startLife(t, seller, "all")
				log := l.logStatements(t)
				for _, s := range steps {
					if s.before != nil {
						s.before(l, t)
					}
					log.forget()
					require.NoError(t, s.run(l, t))
					sent, connections := log.all()
					t.Logf("%s: %d statements in %d connections\n%s", s.name, len(sent), connections, strings.Join(sent, "\n"))
					require.NotEmpty(t, sent, "%s: nothing came through the socket", s.name)
					if s.limits != nil {
						assert.LessOrEqual(t, len(sent), s.limits[seller.module], "%s\n%s", s.name, strings.Join(sent, "\n"))
					}
				}
			})
		}
	})
}
