package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/panel"
	"pmssl/internal/panellog"
	"pmssl/internal/seller"
)

const (
	// defaultRoot is the panel's root directory (docs/reference/billmanager.md §1.1).
	defaultRoot = "/usr/local/mgr5"
	// rootVariable names another root (rules CLI-2).
	rootVariable = "MGR5_ROOT"
	// settingSellerCA is the option of etc/billmgr.conf with the CA certificates to trust at the seller (rules CLI-8).
	settingSellerCA = "SSLSellerCA"
)

// Main runs the whole program between argv and the exit code: 0 when the command did its work, 1 when it did not. Nothing
// is opened that the command does not need.
func Main(p Program, w System) int {
	k := app{program: p, system: w, rows: commands(), panel: func(o panel.Options) host { return panel.New(o) }}
	return k.main()
}

// app is Main with its parts in hand.
type app struct {
	program Program
	system  System
	rows    table
	panel   func(panel.Options) host
	log     *panellog.Logger // of the run; nil before it
	// answered: stdout has its one document, or the attempt was made.
	answered atomic.Bool
}

func (k *app) main() (code int) {
	defer func() {
		// What comes here came outside of any command: there is no log to rely on.
		if r := recover(); r != nil {
			// A nil log masks private keys alone: nothing else is known so early.
			fmt.Fprintf(k.system.Stderr, "%s: panic: %s\n%s", k.program.Name, k.log.Mask(fmt.Sprint(r)), debug.Stack())
			code = 1
			if !k.answered.Load() {
				failure := fault.Errorf(fault.Internal, "", "a fault of this program: %v", r)
				k.print(newReport(failure, failure, k.log.Mask).document())
			}
		}
	}()
	args := parseArgs(k.system.Args)
	switch {
	case args.help:
		return k.say(k.rows.usage(k.program))
	case args.version:
		return k.say(fmt.Sprintf("%s %s (%s)\n", k.program.Name, k.program.Version, k.program.Commit))
	case args.copyright:
		return k.say("pmssl\n")
	case args.Command == "":
		fmt.Fprintf(k.system.Stderr, "%s: --command is missing: it names what to do\n\n%s", k.program.Name, k.rows.usage(k.program))
		return 1
	}
	root, err := k.root()
	if err != nil {
		failure := fault.From(err)
		k.print(newReport(failure, failure, unmasked).document())
		return 1
	}
	return k.run(args, root)
}

// unmasked is for texts of a time at which no secret is known yet.
func unmasked(text string) string { return text }

// root returns the panel's root directory. It is absolute: the working directory does not matter.
func (k *app) root() (string, error) {
	root, set := k.system.Getenv(rootVariable)
	switch {
	case !set || root == "":
		return defaultRoot, nil
	case !filepath.IsAbs(root):
		return "", fault.Errorf(fault.Value, rootVariable, "%s is %q, it must be an absolute path", rootVariable, clip(root, maxFaultWord))
	}
	return filepath.Clean(root), nil
}

// run opens the log, runs the command and prints its one document. The log's first line says which program runs and with
// which words, its last one what came of it (rules LOG-3).
func (k *app) run(args *arguments, root string) (code int) {
	w := k.system
	row, known := k.rows.find(args.Command)
	alone := !known || row.alone != nil && row.alone(args)
	if !alone {
		if err := k.panelThere(root); err != nil {
			failure := fault.From(err)
			k.print(newReport(failure, failure, unmasked).document())
			return 1
		}
	}
	args.DryRun = args.DryRun || row.confirm && !args.Yes
	stderr := w.Stderr
	if alone { // nobody asked for a log
		stderr = nil
	}
	log := panellog.Open(panellog.Options{Name: k.program.Name, Root: root, Stderr: stderr, Now: w.Now, PID: w.PID})
	defer log.Close() // packs an archive; the answer is out by then
	k.log = log
	own := log.Named("module")
	start := w.Now()
	own.Infof("run: %s %s (%s): %s", k.program.Name, k.program.Version, k.program.Commit, quoted(panellog.RedactArgs(args.shown)))
	s := k.session(args, root, log)
	s.began = start
	var err error
	defer func() { own.Infof("%s", s.lastLine(err, s.summary, code, s.began)) }()
	defer func() {
		if err := s.host.Close(); err != nil {
			own.Warningf("closing the database: %v", err)
		}
	}()
	k.logIgnored(args, own)
	defer func() { s.over() }()
	doc, err := s.serve()
	code = k.answer(doc, s.text)
	s.over()
	if code != 0 {
		own.Errorf("the answer could not be written to stdout")
		return code
	}
	if err != nil || s.partial {
		return 1
	}
	return 0
}

// lastLine returns what the last line of a run says: the command, its result, its counts and the exit code. The error has
// its own line.
func (s *invocation) lastLine(err error, summary string, code int, start time.Time) string {
	result := "ok"
	switch {
	case err != nil:
		result = "failed (" + fault.From(err).Type + ")"
	case s.partial:
		result = "failed in part"
	case code != 0:
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

// logIgnored names the words that are ignored: in the log, and to a person on stderr.
func (k *app) logIgnored(args *arguments, log *panellog.Logger) {
	if len(args.ignored) == 0 {
		return
	}
	words := quoted(panellog.RedactArgs(args.ignored))
	log.ExtInfof("ignored, not known here: %s", words)
	if k.system.StderrTerminal {
		fmt.Fprintf(k.system.Stderr, "%s: ignored, not known here: %s\n", k.program.Name, legal(words))
	}
}

// panelThere makes sure that the root is a panel's, by its folder var. A root that is mistyped must be told: no folder is
// made, and no database is asked that is not the panel's.
func (k *app) panelThere(root string) error {
	hint := "is BILLmanager installed on this host? The variable " + rootVariable + " names another root"
	if named, set := k.system.Getenv(rootVariable); set && named != "" {
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

// bareErr takes the path off an error of the file system.
func bareErr(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func (k *app) session(args *arguments, root string, log *panellog.Logger) *invocation {
	w := k.system
	billing := k.panel(panel.Options{
		Root: root, Binary: k.program.Name, Getenv: w.Getenv, Environ: w.Environ,
		Now: w.Now, Sleep: w.Sleep, Rand: w.Rand, Log: log,
	})
	info := k.program.Info(seller.Env{
		Getenv: w.Getenv, Now: w.Now, Sleep: w.Sleep, Jitter: w.Jitter,
		StateDir: filepath.Join(root, "var"), Binary: k.program.Name, Log: log, DryRun: args.DryRun,
		SellerCA: func() (string, error) {
			file, err := billing.Setting(context.Background(), settingSellerCA) // a file that is read, nothing to wait for
			if err == nil && file != "" && !filepath.IsAbs(file) {
				file = filepath.Join(root, file) // as the panel's own paths are
			}
			return file, err
		},
	})
	secret := newSecrets(info, log)
	secret.learnArgs(args)
	return &invocation{
		program: k.program, system: w, root: root, rows: k.rows, args: args, info: info, secrets: secret,
		log: log.Named("module"), rootLog: log, over: func() {}, speak: k.print,
		host: &watchedHost{host: billing, item: args.Item, secrets: secret},
	}
}

// answer writes what a command has to say: its document, or its text if it has no document.
func (k *app) answer(doc *etree.Document, text string) int {
	if doc != nil || text == "" {
		return k.print(doc)
	}
	return k.say(legal(text))
}

// print writes the document to stdout, in one piece; nil writes nothing.
func (k *app) print(doc *etree.Document) int {
	text, err := render(doc)
	if err != nil {
		fmt.Fprintf(k.system.Stderr, "%s: the answer cannot be written: %v\n", k.program.Name, err)
		return 1
	}
	if len(text) == 0 {
		return 0
	}
	return k.say(string(text))
}

// say writes a text to stdout. Whatever becomes of the text, stderr may say so; the exit code must.
func (k *app) say(text string) int {
	if k.answered.Swap(true) {
		return 1 // the run was given up meanwhile, and stdout has been told
	}
	if _, err := k.system.Stdout.Write([]byte(text)); err != nil {
		fmt.Fprintf(k.system.Stderr, "%s: stdout: %v\n", k.program.Name, err)
		return 1
	}
	return 0
}

// quoted joins words so that each can be told from the next in the log. Who chooses a word cannot write what looks like
// another word or another line.
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
