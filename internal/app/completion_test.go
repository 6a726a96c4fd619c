package app

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// binaries are the programs that completion scripts are made for.
func binaries() []string { return []string{"pmispmgrssl", "pmnamecheap"} }

// generatedFile compares a generated file below the repository's root with its content, or writes it with -update.
func generatedFile(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("..", "..", name)
	if updating() {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), text, "%s: run go test ./internal/app -update", name)
}

func TestCompletionScriptsAreUpToDate(t *testing.T) {
	var made []string
	for _, binary := range binaries() {
		for name, text := range Completions(binary) {
			generatedFile(t, "etc/completion/"+name, text)
			made = append(made, filepath.Join("..", "..", "etc", "completion", name))
		}
	}
	stored, err := filepath.Glob(filepath.Join("..", "..", "etc", "completion", "*", "*"))
	require.NoError(t, err)
	assert.ElementsMatch(t, made, stored)
}

// completionCase is a command line, its last word to be completed, and what completes it.
type completionCase struct {
	name, line string
	want       []string // beginning with the last word
	unwanted   []string
	zsh        bool // completed by zsh too
}

func completionCases() []completionCase {
	plan, _ := commands().find("plan")
	return []completionCase{
		{name: "the beginning", zsh: true, line: "pmnamecheap --", want: []string{"--command", "--help", "--version"}, unwanted: []string{"--item", "--yes"}},
		{name: "a command", zsh: true, line: "pmnamecheap --command res", want: []string{"resolve", "resume"}, unwanted: []string{"plan"}},
		{name: "a command after the short option", line: "pmnamecheap -c sus", want: []string{"suspend"}},
		{name: "all commands", line: "pmnamecheap --command ", want: commands().list()},
		{name: "the command to show", line: "pmnamecheap --help subs", want: []string{"subscription"}},
		{name: "options of a command", line: "pmnamecheap --command plan --", want: []string{"--item", "--opendate", "--period", "--format"}, unwanted: []string{"--yes", "--none"}},
		{name: "options of another command", zsh: true, line: "pmnamecheap --command resolve --item 42 --", want: []string{"--id", "--none", "--yes"}, unwanted: []string{"--opendate"}},
		{name: "formats", zsh: true, line: "pmnamecheap --command plan --format ", want: plan.formats, unwanted: []string{"json"}},
		{name: "formats of another command", line: "pmnamecheap --command probe --format ", want: []string{"text", "xml"}, unwanted: []string{"svg"}},
		{name: "subcommands", line: "pmnamecheap --command import_pricelist --subcommand pr", want: []string{"pricelist"}},
		{name: "a number", line: "pmnamecheap --command resolve --item ", unwanted: []string{"--id", "resolve"}},
	}
}

// completed runs a script of a real shell that prints what completes the line, one word a line.
func completed(t *testing.T, shell, script string, words ...string) []string {
	t.Helper()
	path, err := exec.LookPath(shell)
	if err != nil {
		t.Skipf("%s is not installed", shell)
	}
	file := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
	args := []string{file}
	if shell == "zsh" {
		args = []string{"-f", file}
	}
	cmd := exec.Command(path, append(args, words...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TERM=dumb", "LC_ALL=C.UTF-8"}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	var found []string
	for line := range strings.Lines(string(out)) {
		word, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		if !slices.Contains(found, word) {
			found = append(found, word)
		}
	}
	return found
}

func checkCompletion(t *testing.T, cases []completionCase, complete func(t *testing.T, line string) []string) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			found := complete(t, c.line)
			for _, want := range c.want {
				assert.Contains(t, found, want)
			}
			for _, unwanted := range c.unwanted {
				assert.NotContains(t, found, unwanted)
			}
			last := c.line[strings.LastIndexByte(c.line, ' ')+1:]
			for _, word := range found {
				assert.True(t, strings.HasPrefix(word, last), word)
			}
		})
	}
}

func completionFile(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "etc", "completion", name))
	require.NoError(t, err)
	return path
}

func TestBashCompletesCommandsAndOptions(t *testing.T) {
	file := completionFile(t, "bash/pmnamecheap")
	bash := func(t *testing.T, words ...string) []string {
		return completed(t, "bash", `compopt() { :; }
source `+file+`
complete -p pmnamecheap >/dev/null || exit 1
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_pmnamecheap
[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
`, words...)
	}
	checkCompletion(t, completionCases(), func(t *testing.T, line string) []string { return bash(t, strings.Split(line, " ")...) })
	// bash breaks a word at "=" before it calls the function.
	assert.Equal(t, []string{"plan"}, bash(t, "pmnamecheap", "--command", "=", "pla"))
	assert.Contains(t, bash(t, "pmnamecheap", "--command", "=", "plan", "--per"), "--period")
}

func TestFishCompletesCommandsAndOptions(t *testing.T) {
	file := completionFile(t, "fish/pmnamecheap.fish")
	checkCompletion(t, completionCases(), func(t *testing.T, line string) []string {
		return completed(t, "fish", "source "+file+"\ncomplete -C $argv[1]\n", line)
	})
}

// The script has zsh complete the line in a pseudo-terminal, and replaces compadd to print what zsh would offer.
func TestZshCompletesCommandsAndOptions(t *testing.T) {
	folder := filepath.Dir(completionFile(t, "zsh/_pmnamecheap"))
	script := `zmodload zsh/zpty || exit 1
zpty z zsh -f -i
setup() {
    cat <<'SETUP'
PROMPT=
fpath=(` + folder + ` $fpath)
autoload -Uz compinit
compinit -u -D
bindkey '^I' complete-word
begin() { print -r - '<<<' }
compprefuncs=(begin)
finish() { print -r - '>>>'; exit }
comppostfuncs=(finish)
compadd() {
    if (( ! ${argv[(I)-[AOD]*]} )); then
        local -a hits
        builtin compadd -O hits "$@"
        (( $#hits )) && print -rl - $hits
    fi
    builtin compadd "$@"
}
print -r - rea''dy
SETUP
}
setup >$HOME/setup
zpty -w z "source $HOME/setup"
zpty -r z line '*ready*' || exit 1
zpty -n -w z "$1"$'\t'
zpty -r z line '*>>>*' || exit 1
line=${line#*<<<}
print -r - ${line%%>>>*} | tr -d '\r' | sed '/^$/d'
`
	few := slices.DeleteFunc(completionCases(), func(c completionCase) bool { return !c.zsh }) // a start of zsh takes a second
	checkCompletion(t, few, func(t *testing.T, line string) []string { return completed(t, "zsh", script, line) })
}

// A script that does not parse would leave the shells without completion.
func TestCompletionScriptsParse(t *testing.T) {
	for _, binary := range binaries() {
		for _, name := range slices.Sorted(maps.Keys(Completions(binary))) {
			shell := strings.SplitN(name, "/", 2)[0]
			path, err := exec.LookPath(shell)
			if err != nil {
				continue
			}
			out, err := exec.Command(path, "-n", completionFile(t, name)).CombinedOutput()
			assert.NoError(t, err, "%s: %s", name, out)
		}
	}
}
