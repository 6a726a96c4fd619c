package publish

import (
	"fmt"
	"strings"

	"pmssl/internal/plaintext"
)

// challengeFolder is where the files of challenges are looked for on a web server (BR 3.2.2.4.18).
const challengeFolder = "/.well-known/pki-validation/"

// maxStem is how long the name of a challenge's file may be without its ending; sellers use 32 characters.
const maxStem = 200

// CheckFile reports why the record is not a file that may be served by the host; otherwise it returns the name of the file in
// the folder /.well-known/pki-validation. Host and name are then safe as names of a folder and of a file: neither holds a
// slash, "..", or a character that does not print. Publishers call it before they write, whoever has checked the record
// before.
func (r Record) CheckFile(host string) (name string, err error) {
	name, fits := challengeFile(r.Path)
	switch {
	case r.Type != File:
		return "", fmt.Errorf("%q is not a file", plaintext.Clip(string(r.Type), 20))
	case !canonical(host):
		return "", fmt.Errorf("the host %q is not a name in lower case as certificates have it", plaintext.Clip(host, maxHost))
	case r.Name != host:
		return "", fmt.Errorf("the file is for %q and not for %s", plaintext.Clip(r.Name, maxHost), host)
	case !fits:
		return "", fmt.Errorf("%q is not a path for challenges (%sNAME.txt)", plaintext.Clip(r.Path, 300), challengeFolder)
	}
	return name, r.checkValue()
}

// challengeFile returns the name of the file in challengeFolder that the path names.
func challengeFile(path string) (string, bool) {
	name, found := strings.CutPrefix(path, challengeFolder)
	stem, ends := strings.CutSuffix(name, ".txt")
	return name, found && ends && consistsOf(stem, maxStem, "_-")
}
