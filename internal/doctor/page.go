package doctor

import (
	"fmt"
	"strings"
)

// Page returns the content of docs/doctor.md, made of the table of checks.
func Page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	group := ""
	for _, c := range Checks() {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "\n## %s\n\n| check | title | what it means | needs | time limit |\n|---|---|---|---|---|\n", group)
		}
		needs := "-"
		if len(c.Needs) > 0 {
			needs = "`" + strings.Join(c.Needs, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", c.ID, c.Title, c.About, needs, c.Limit)
	}
	return b.String()
}

const pageHead = "# Doctor\n\n" +
	"Made of the table of checks in `internal/doctor` (`go test ./internal/doctor -update`). Do not edit this page by hand.\n\n" +
	"```sh\n" +
	"pmnamecheap --command doctor                          # this host, the panel, every processing module of this program\n" +
	"pmnamecheap --command doctor --item 42                # and the names of one item: publisher, DNS, site, delivery\n" +
	"pmnamecheap --command doctor --item 42 --probe        # and write one test record or file, look for it, remove it\n" +
	"pmnamecheap --command doctor --mail you@example.com   # and send a test mail\n" +
	"pmnamecheap --command doctor --module 5 --format json # one processing module; text, json or xml\n" +
	"```\n\n" +
	"A line begins with ✓ (in order), ✗ (does not work), ! (works, and may not tomorrow) or – (not checked; the text says why). Below what is " +
	"wrong stands what to do about it. The exit code is 1 if there is a ✗, or if the run was ended before its end, else 0. Text is printed on a terminal, else XML; `--format` chooses.\n\n" +
	"Doctor buys nothing, and changes nothing: in the panel it calls `paramlist`, at the seller it reads the balance, it connects to the " +
	"database and reads. It writes the module's log and the counter of calls to the seller. `--probe` writes one test record or file and removes it, " +
	"`--mail` sends one mail. It works without a database, settings or the panel's root, and says what it could not check then. What only root can read is " +
	"not checked for others. Several checks run at once; one that takes longer than its limit is a ✗ and stops no other, and all of them end with the command's deadline.\n\n" +
	"JSON: `program`, `version`, `root`, `at`, `outcome` (`ok`, `not_checked`, `warning`, `failed`: the worst of all checks), the counts `ok`, `warnings`, " +
	"`failed`, `not_checked`, and `checks` with `id`, `title`, `outcome` and `findings` (`outcome`, `text`, `mend`). XML has the same names. The ids do not change.\n"
