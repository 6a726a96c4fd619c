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

// sweepWords returns the script words about reissues, mails, settings and domain validation.
func sweepWords() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"reissue": reissueWord, "sweep": sweepWord, "mails": mailsWord, "option": optionWord, "sellerset": sellerSetWord, "prove": proveWord,
	}
}

// reissueWord is `reissue [csr=FILE] [altname=a,b]`: the client presses the panel's reissue button.
func reissueWord(ts *testscript.TestScript, neg bool, args []string) {
	s := stateOf(ts)
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
	reportRun(ts, neg, run, err)
}

// sweepWord is `sweep [ARG…]`: it runs the subscription command as the timer does.
func sweepWord(ts *testscript.TestScript, neg bool, args []string) {
	runModule(ts, neg, append([]string{"--command", "subscription"}, args...))
}

// mailsWord is `mails`: it prints the mails that the MTA accepted since the last `mails`.
func mailsWord(ts *testscript.TestScript, _ bool, _ []string) {
	all, err := takeMails(ts.Getenv("WORK"))
	ts.Check(err)
	s := stateOf(ts)
	for _, mail := range all {
		show(ts, "From: %s\nTo: %s\nSubject: %s\n\n%s\n", mail.from, mail.to, mail.subject, s.scrub(strings.TrimSpace(mail.body)))
	}
}

// optionWord is `option NAME VALUE`: it adds a line to billmgr.conf.d.
func optionWord(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.OpenFile(filepath.Join(stateOf(ts).panel.Root(), "etc", "billmgr.conf.d", "option.conf"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	_, err = file.WriteString(strings.Join(args, " ") + "\n")
	ts.Check(err)
	ts.Check(file.Close())
}

// sellerSetWord is `sellerset NAME=VALUE…`: it changes settings of the stand-in seller, by their names in its control interface.
func sellerSetWord(ts *testscript.TestScript, _ bool, args []string) {
	s := stateOf(ts)
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		if !json.Valid([]byte(value)) {
			value = strconv.Quote(value)
		}
		ts.Check(s.standIn.setSetting(name, value))
	}
}

// proveWord is `prove DOMAIN`: the client has published the challenge and the CA has verified it.
func proveWord(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(stateOf(ts).standIn.prove(args[0]))
}
