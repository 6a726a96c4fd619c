package acceptance

import (
	"fmt"
	"strings"
)

// Page returns the part of docs/compatibility.md that is about facts: a table for each area.
func Page() string {
	var b strings.Builder
	area := Area("")
	for _, f := range Facts() {
		if f.Area != area {
			area = f.Area
			fmt.Fprintf(&b, "\n### %s\n\n| fact | what is assumed | how sure, and where | if it is wrong | seen by |\n|---|---|---|---|---|\n", area)
		}
		seen := "acceptance"
		if !f.Observable() {
			seen = f.ByHand
		}
		fmt.Fprintf(&b, "| %s | %s | %s, %s | %s | %s |\n", f.ID, f.Statement, f.Sure, f.Source, f.IfWrong, seen)
	}
	return b.String()
}
