package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// sweepWords are what scripts can say about reissues, renewals and the policy.
func sweepWords() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"reissue": reissue, "sweep": sweepOnce, "letters": letters, "option": option, "sellerset": sellerSet, "prove": prove,
	}
}

// reissue [csr=FILE] [altname=a,b]: the client's button of the panel.
func reissue(ts *testscript.TestScript, neg bool, args []string) {
	s := sceneOf(ts)
	_, values := pairs(args)
	csr, names := "", []string(nil)
	if file, ok := values["csr"]; ok {
		csr = ts.ReadFile(file)
	}
	if list, ok := values["altname"]; ok {
		names = strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
		if names == nil {
			names = []string{}
		}
	}
	op, run, err := s.panel.Reissue(context.Background(), s.item, csr, "", names)
	s.op = op
	ts.Setenv("OP", strconv.FormatInt(op, 10))
	report(ts, neg, run, err)
}

// sweep [ARG…]: the reissue policy, as the timer runs it.
func sweepOnce(ts *testscript.TestScript, neg bool, args []string) {
	start(ts, neg, append([]string{"--command", "subscription"}, args...))
}

// letters: what the MTA took since the last `letters`.
func letters(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := takeLetters(ts.Getenv("WORK"))
	ts.Check(err)
	s := sceneOf(ts)
	for _, letter := range all {
		show(ts, "From: %s\nTo: %s\nSubject: %s\n\n%s\n", letter.from, letter.to, letter.subject, s.scrub(strings.TrimSpace(letter.body)))
	}
}

// option NAME VALUE: a line of billmgr.conf.d.
func option(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.OpenFile(filepath.Join(sceneOf(ts).panel.Root(), "etc", "billmgr.conf.d", "option.conf"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = file.WriteString(strings.Join(args, " ") + "\n")
	ts.Check(err)
	ts.Check(file.Close())
}

// sellerset NAME=VALUE…: settings of the stand-in seller, by their names in its control interface.
func sellerSet(ts *testscript.TestScript, _ bool, args []string) {
	s := sceneOf(ts)
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if !json.Valid([]byte(value)) {
			value = strconv.Quote(value)
		}
		ts.Check(s.shop.set(name, value))
	}
}

// prove DOMAIN: the client has published the value and the authority has seen it.
func prove(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(sceneOf(ts).shop.prove(args[0]))
}
