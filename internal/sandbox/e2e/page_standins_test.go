package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// standInBlocks returns the blocks of a page that start the stand-ins by hand and use them.
func standInBlocks(t *testing.T) [][]pageLine {
	t.Helper()
	ours := regexp.MustCompile(`^(?:\S+=\S+ )*(?:bin/sandbox-|curl |/tmp/panel/)`)
	return slices.DeleteFunc(shellGroups(t), func(group []pageLine) bool {
		return group[0].kind != shellCode || slices.ContainsFunc(group, func(l pageLine) bool { return !ours.MatchString(l.text) })
	})
}

// standInsByHand are the stand-ins that a reader of the page has started, each in a terminal of its own.
type standInsByHand struct {
	dir     string
	printed map[string]map[string]string // by program, then by the first word of a line that it has printed
}

// The stand-ins can be started and used by hand in the order of their page, with what they print in place of the page's capitals.
func TestTheStandInsAreUsedByHand(t *testing.T) {
	if installed(t, "curl") == "" {
		t.Skip("curl is not installed")
	}
	if _, err := os.Stat(filepath.Join(built.bin, "sandbox-panel")); err != nil {
		t.Skip("make sandbox was not run")
	}
	s := &standInsByHand{dir: t.TempDir(), printed: map[string]map[string]string{}}
	require.NoError(t, os.Symlink(built.bin, filepath.Join(s.dir, "bin")))
	ran := 0
	for _, group := range standInBlocks(t) {
		for _, l := range group {
			ran++
			commands, err := parseShell(s.filledIn(l.text))
			require.NoError(t, err)
			require.Len(t, commands, 1, l.text)
			s.run(t, l, commands[0])
		}
	}
	require.Greater(t, ran, 8)
}

// filledIn returns a line with what the programs have printed in place of what the page leaves open.
func (s *standInsByHand) filledIn(text string) string {
	namecheap, ispmgr := s.printed["sandbox-namecheap"], s.printed["sandbox-ispmgr"]
	port := regexp.MustCompile(`:(\d+)/`).FindStringSubmatch(namecheap["api"])
	if port != nil {
		text = strings.ReplaceAll(text, "127.0.0.1:PORT/", "127.0.0.1:"+port[1]+"/")
	}
	return strings.NewReplacer(`"KEY"`, `"`+namecheap["key"]+`"`, `"API"`, `"`+ispmgr["api"]+`"`, `"ACCOUNT"`, `"`+ispmgr["user"]+`"`, `"PASSWORD"`, `"`+ispmgr["password"]+`"`,
		" PANEL/", " "+s.printed["sandbox-panel"]["control"]+"/", "/tmp/panel", s.dir+"/panel").Replace(text)
}

// run runs one line. A stand-in runs on until the test ends.
func (s *standInsByHand) run(t *testing.T, l pageLine, c simpleCommand) {
	t.Helper()
	assert.NotRegexp(t, `\b(?:PORT|PANEL|API|ACCOUNT|KEY|PASSWORD)\b`, strings.Join(c.words, " "), "%s: nothing printed what stands there", l.where())
	cmd := exec.CommandContext(t.Context(), c.words[0], c.args()...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, c.assigned...)
	if strings.HasPrefix(c.words[0], "bin/") {
		s.start(t, cmd, c.program())
		return
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoErrorf(t, err, "%s: %s\n%s%s", l.where(), l.text, out, stderr.String())
	if strings.HasSuffix(l.text, "PANEL/connect") {
		var connected struct{ ID int64 }
		require.NoError(t, json.Unmarshal(out, &connected), string(out))
		assert.NotZerof(t, connected.ID, "%s: the wizard refused: %s", l.where(), out)
	}
}

// start starts a stand-in and reads what it prints, until that is all.
func (s *standInsByHand) start(t *testing.T, cmd *exec.Cmd, program string) {
	t.Helper()
	cmd.Path = filepath.Join(s.dir, cmd.Args[0])
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	})
	printed := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		first, rest, _ := strings.Cut(lines.Text(), " ")
		printed[first] = rest
		for _, pair := range strings.Fields(rest) {
			if name, value, is := strings.Cut(pair, "="); is {
				printed[name] = value
			}
		}
		if first == "account" || first == "ready" {
			s.printed[program] = printed
			return
		}
	}
	require.Fail(t, fmt.Sprintf("%s ended: %s", program, stderr.String()))
}
