// campaign-table prints the table of docs/reliability.md from the file that `make campaign` writes (standard input).
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// part is a line of the file (internal/sandbox/e2e).
type part struct {
	Campaign string `json:"campaign"`
	Part     string `json:"part"`
	Seller   string `json:"seller"`
	Done     int    `json:"done"`
	Missed   int    `json:"missed"`
}

// row is a campaign and a command, with what was done at each seller.
type row struct {
	campaign, part string
	done           map[string]int
	missed         int
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "campaign-table:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	rows, err := read(in)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("| campaign | command | Namecheap | ISPmanager's billing | ended before it |\n|---|---|---|---|---|\n")
	sum := &row{campaign: "all", done: map[string]int{}}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %d |\n", r.campaign, r.part, count(r, "pmnamecheap"), count(r, "pmispmgrssl"), r.missed)
		for seller, n := range r.done {
			sum.done[seller] += n
		}
		sum.missed += r.missed
	}
	fmt.Fprintf(&b, "| %s | | %s | %s | %d |\n", sum.campaign, count(sum, "pmnamecheap"), count(sum, "pmispmgrssl"), sum.missed)
	_, err = io.WriteString(out, b.String())
	return err
}

// count returns a dash for a command that the seller does not have.
func count(r *row, seller string) string {
	n, there := r.done[seller]
	if !there {
		return "–"
	}
	return fmt.Sprint(n)
}

// read returns the rows in the order in which they began.
func read(in io.Reader) (rows []*row, err error) {
	known := map[string]*row{}
	for lines := json.NewDecoder(in); ; {
		var p part
		switch err := lines.Decode(&p); {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, err
		}
		key := p.Campaign + "\x00" + p.Part
		if known[key] == nil {
			known[key] = &row{campaign: p.Campaign, part: p.Part, done: map[string]int{}}
			rows = append(rows, known[key])
		}
		known[key].done[p.Seller] += p.Done
		known[key].missed += p.Missed
	}
}
