package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/beevik/etree"

	"pmssl/internal/exchange"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
	"pmssl/internal/parallel"
	"pmssl/internal/seller"
	"pmssl/internal/terminal"
)

const (
	// defaultRoot is the panel's root directory (docs/reference/billmanager.md §1.1).
	defaultRoot = "/usr/local/mgr5"
	// rootVariable names another root (rules CLI-2).
	rootVariable = "MGR5_ROOT"
	// settingSellerCA is the option of etc/billmgr.conf with the CA certificates to trust at the seller (rules CLI-8).
	settingSellerCA = "SSLSellerCA"
)

// Main runs the program and returns its exit code: 0 if the command succeeded, 1 if it failed, with --check that of a monitoring
// plugin. It opens nothing that the command does not need.
func Main(p Program, sys System) int {
	a := app{program: p, system: sys, rows: commands(), newPanel: func(o panel.Options) panelAPI { return panel.New(o) }}
	return a.main()
}

// app runs the program. Tests replace its parts.
type app struct {
	program  Program
	system   System
	rows     table
	newPanel func(panel.Options) panelAPI
	log      *panellog.Logger // nil until run opens it
	// answered is true once a document was written to stdout, successfully or not.
	answered atomic.Bool
	errors   string // format of errors (errorFormat)
	// plugin is true if the program answers like a monitoring plugin (rules CLI-9).
	plugin bool
}

func (a *app) main() (code int) {
	defer func() {
		// Such a panic happened outside of a command: there may be no log.
		if r := recover(); r != nil {
			// A nil log masks private keys only: no other secret is known so early.
			fmt.Fprintf(a.system.Stderr, "%s: panic: %s\n%s", a.program.Name, a.log.Mask(fmt.Sprint(r)), parallel.StackOf(r))
			code = a.failureCode()
			if !a.answered.Load() {
				failure := fault.Errorf(fault.Internal, "", "a fault of this program: %v", r)
				a.fail(newReport(failure, failure, a.log.Mask))
			}
		}
	}()
	args := parseArgs(a.system.Args)
	args.typed = a.system.Terminal && args.Operation == 0
	a.plugin, a.errors = a.rows.isPlugin(args), a.errorFormat(args)
	switch {
	case args.help:
		return a.help(args)
	case args.version:
		return a.write(fmt.Sprintf("%s %s (%s)\n", a.program.Name, a.program.Version, a.program.Commit))
	case args.copyright:
		return a.write("pmssl\n")
	case args.Command == "":
		return a.missingCommand(args)
	}
	root, err := a.root()
	if err != nil {
		failure := fault.From(err)
		return a.fail(newReport(failure, failure, unmasked))
	}
	return a.run(args, root)
}

// unmasked returns the text as it is: it stands for the mask as long as no secret is known.
func unmasked(text string) string { return text }

// root returns the absolute path of the panel's root directory.
func (a *app) root() (string, error) {
	root, set := a.system.Getenv(rootVariable)
	switch {
	case !set || root == "":
		return defaultRoot, nil
	case !filepath.IsAbs(root):
		return "", fault.Errorf(fault.Value, rootVariable, "%s is %q, it must be an absolute path", rootVariable, clip(root, maxFaultWord))
	}
	return filepath.Clean(root), nil
}

// run opens the log, runs the command, prints its document and returns the exit code. The first line of the log has the
// program's version and arguments, the last line the result (rules LOG-3).
func (a *app) run(args *arguments, root string) (code int) {
	sys := a.system
	row, known := a.rows.find(args.Command)
	var signals <-chan os.Signal
	if sys.CatchSignals != nil {
		signals = sys.CatchSignals(!row.immediate)
	}
	alone := !known || row.alone != nil && row.alone(args)
	if !alone {
		if err := a.checkRoot(root); err != nil {
			failure := fault.From(err)
			return a.fail(newReport(failure, failure, unmasked))
		}
	}
	args.apply(row)
	stderr := sys.Stderr
	if alone { // a log that cannot be opened does not matter
		stderr = nil
	}
	log := panellog.Open(panellog.Options{Name: a.program.Name, Root: root, Stderr: stderr, Now: sys.Now, PID: sys.PID})
	defer log.Close() // compresses an archive; the answer is written by then
	a.log = log
	own := log.Named("module")
	start := sys.Now()
	own.Infof("run: %s %s (%s): %s", a.program.Name, a.program.Version, a.program.Commit, quoted(panellog.RedactArgs(args.shown)))
	s := a.invocation(args, root, log)
	s.began, s.signals = start, signals
	var err error
	defer func() { own.Infof("%s", s.lastLine(err, s.summary, code, s.began)) }()
	defer func() {
		for _, panel := range append(s.beside, s.panel) {
			if err := panel.Close(); err != nil {
				own.Warningf("closing the database: %v", err)
			}
		}
	}()
	a.logIgnored(args, row, own)
	defer func() { s.finish() }()
	defer func() { s.spooled.close() }()
	doc, err := s.serve()
	if err != nil {
		code = a.show(s.failed)
	} else {
		code = a.answer(doc, s)
	}
	s.finish()
	if code != 0 {
		own.Errorf("the answer could not be written")
		s.code = 0 // what the command found was told to nobody
		return a.failureCode()
	}
	return s.exitCode(err)
}

// apply changes the arguments by what the command's row says.
func (a *arguments) apply(r row) {
	a.DryRun = a.DryRun || r.confirm && !a.Yes || r.readsOnly
	if r.byHand {
		a.Operation = 0 // it is no run of that operation, whatever a person has copied from a log (rules CLI-4)
	}
}

// exitCode returns the exit code of a command that has answered.
func (s *invocation) exitCode(err error) int {
	switch {
	case err != nil && s.plugin:
		return pluginUnknown
	case err != nil:
		return 1
	case s.code != 0:
		return s.code
	case s.partial:
		return 1
	}
	return 0
}

// lastLine returns the last line of a run's log: the command, its result, its counts and the exit code. The error itself is
// logged before.
func (s *invocation) lastLine(err error, summary string, code int, start time.Time) string {
	result := "ok"
	switch {
	case err != nil:
		result = "failed (" + fault.From(err).Type + ")"
	case s.partial:
		result = "failed in part"
	case code != 0 && code != s.code: // else it is what the command found (rules CLI-9)
		result = "failed (no answer on stdout)"
	}
	var counts string
	if summary != "" {
		counts = ", " + summary
	}
	warnings, errs := s.rootLog.Counts()
	return fmt.Sprintf("end: %q: %s%s, warnings %d, errors %d, exit code %d, %s",
		clip(s.args.Command, maxFaultWord), result, counts, warnings, errs, code, s.elapsed(start))
}

// logIgnored writes the arguments that are ignored to the log, and to stderr if that is a terminal. A command for people refuses
// them instead (row.unknown).
func (a *app) logIgnored(args *arguments, row row, log *panellog.Logger) {
	if len(args.ignored) == 0 {
		return
	}
	words := quoted(panellog.RedactArgs(args.ignored))
	log.ExtInfof("ignored unknown arguments: %s", words)
	if a.system.StderrTerminal && !row.byHand {
		fmt.Fprintf(a.system.Stderr, "%s: ignored unknown arguments: %s\n", a.program.Name, legal(words))
	}
}

// checkRoot returns a fault unless the root directory and its folder var exist. Otherwise a mistyped root would create
// folders, or use a database that is not the panel's.
func (a *app) checkRoot(root string) error {
	hint := "is BILLmanager installed on this host? The variable " + rootVariable + " names another root"
	if named, set := a.system.Getenv(rootVariable); set && named != "" {
		hint = "correct the variable " + rootVariable
	}
	for _, path := range []string{root, filepath.Join(root, "var")} {
		if info, err := os.Stat(path); err != nil {
			return fault.Errorf(fault.Missed, rootVariable, "the panel's folder %s cannot be used: %w; %s", path, bareErr(err), hint)
		} else if !info.IsDir() {
			return fault.Errorf(fault.Missed, rootVariable, "the panel's folder %s is not a folder; %s", path, hint)
		}
	}
	return nil
}

// bareErr returns a file system error without its path.
func bareErr(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// invocation returns the run of one command; it opens nothing.
func (a *app) invocation(args *arguments, root string, log *panellog.Logger) *invocation {
	sys := a.system
	var observer exchange.Observer
	var recorder *exchange.Recorder
	if row, found := a.rows.find(args.Command); found && row.observed {
		recorder = &exchange.Recorder{}
		observer = recorder
	}
	options := panel.Options{
		Root: root, Binary: a.program.Name, Getenv: sys.Getenv, Environ: sys.Environ,
		Now: sys.Now, Sleep: sys.Sleep, Rand: sys.Rand, Log: log, Observer: observer, Journal: &panel.Journal{}, Forms: &panel.CallForms{},
	}
	billing := a.newPanel(options)
	answered := &atomic.Bool{}
	env := seller.Env{
		Getenv: sys.Getenv, Now: sys.Now, Sleep: sys.Sleep, Jitter: sys.Jitter,
		StateDir: filepath.Join(root, "var"), Binary: a.program.Name, Log: log, DryRun: args.DryRun || a.sellerReadOnly(args), Observer: observer,
		SellerCA: sellerCA(root, billing.Setting), Answered: noteAnswers(answered),
	}
	info := a.program.Info(env)
	secret := newSecrets(info, log)
	secret.learnArgs(args)
	return &invocation{
		program: a.program, system: sys, root: root, rows: a.rows, args: args, info: info, secrets: secret, panelOptions: options, newPanel: a.newPanel, sellerEnv: env, answered: answered, styles: terminal.NewStyles(sys.Terminal),
		log: log.Named("module"), rootLog: log, finish: func() {}, fail: a.fail, plugin: a.plugin, errors: a.errors,
		panel: &watchedPanel{panelAPI: billing, item: args.Item, secrets: secret}, recorder: recorder,
	}
}

// sellerReadOnly reports whether the command's row says that the seller's client sends only what reads.
func (a *app) sellerReadOnly(args *arguments) bool {
	row, known := a.rows.find(args.Command)
	return known && row.sellerReadOnly
}

// answer writes the command's document to stdout, what it has spooled, or its text. A person reads that the command was done
// instead of an empty document. It returns 0 unless that failed.
func (a *app) answer(doc *etree.Document, s *invocation) int {
	if s.format == item.FormatText && s.text == "" && s.spooled == nil && (doc == nil || bare(doc.Root())) {
		doc, s.text = nil, s.row.name+": done\n"
	}
	switch {
	case doc != nil:
		return a.print(doc)
	case s.spooled != nil:
		return a.writeFrom(s.spooled.copyTo)
	case s.text != "":
		return a.write(s.styles.Clean(s.text))
	}
	return 0
}

// bare reports whether an element has neither content nor attributes.
func bare(e *etree.Element) bool { return e == nil || len(e.Child)+len(e.Attr) == 0 }

// print writes the document to stdout in one piece and returns the exit code; nil writes nothing.
func (a *app) print(doc *etree.Document) int {
	text, err := render(doc)
	if err != nil {
		fmt.Fprintf(a.system.Stderr, "%s: the answer cannot be written: %v\n", a.program.Name, err)
		return 1
	}
	if len(text) == 0 {
		return 0
	}
	return a.write(a.printable(string(text)))
}

// printable returns a document as a program reads it; on a terminal without what could change what that shows (rules TEXT-1).
func (a *app) printable(document string) string {
	if a.system.Terminal {
		return terminal.Styles{}.Clean(document)
	}
	return document
}

// write writes a text to stdout, once in a run. It returns the exit code: 1 if the text was not written.
func (a *app) write(text string) int {
	return a.writeFrom(func(to io.Writer) error {
		_, err := to.Write([]byte(text))
		return err
	})
}

// writeFrom is write for a document that copy writes.
func (a *app) writeFrom(copy func(to io.Writer) error) int {
	if a.answered.Swap(true) {
		return 1 // the watchdog ended the run and has written its error document
	}
	if err := copy(a.system.Stdout); err != nil {
		fmt.Fprintf(a.system.Stderr, "%s: stdout: %v\n", a.program.Name, err)
		return 1
	}
	return 0
}

// quoted joins arguments with blanks for the log and quotes those with special characters, so that an argument cannot look
// like two, or like another line of the log.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, word := range words {
		word = clip(panellog.ShortenPEM(word), 4<<10)
		if word == "" || strings.ContainsFunc(word, needsQuotes) {
			word = strconv.Quote(word)
		}
		out[i] = word
	}
	return strings.Join(out, " ")
}

func needsQuotes(r rune) bool {
	return r == '"' || r == '\'' || r == '\\' || unicode.IsSpace(r) || !unicode.IsPrint(r)
}
