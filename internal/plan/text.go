package plan

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/seller"
)

// text returns the plan as text: the certificates, the totals, the warnings, and in the last line the end of the paid term.
func (o planView) text() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	vetted := o.level == seller.OV || o.level == seller.EV
	columns(w, vetted, "#", "issued", "expires", "days", "at most", "reissued", "proof", "vetting")
	for _, c := range o.Certificates {
		act := c.ReissueOn.String()
		if c.ReissueOn.IsZero() {
			act = "-"
		}
		columns(w, vetted, o.number(c), c.Issued.String(), c.Expires.String(), fmt.Sprint(c.Days), fmt.Sprint(c.Cap), act, string(c.DomainValidation), string(c.SubjectValidation))
	}
	_ = w.Flush() // into memory
	fmt.Fprintf(&b, "\n%s\n", o.totals())
	for _, warning := range o.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", item.DisplayLine(warning.Text, item.MaxWarning))
	}
	whose := ""
	if o.title != "" {
		whose = o.title + ": "
	}
	fmt.Fprintf(&b, "%sterm of %s from %s, paid until %s\n", whose, months(o.Term.Months), o.Term.Start, o.PaidUntil)
	return b.String()
}

// number returns the number of a certificate: from 1, or how many reissues it is away from the one in place.
func (o planView) number(c cabforum.Certificate) string {
	switch {
	case c.Held:
		return "in place"
	case o.Certificates[0].Held:
		return fmt.Sprintf("+%d", c.N-1)
	}
	return strconv.Itoa(c.N)
}

// columns writes a line of the table, without its last cell unless the organisation is vetted.
func columns(w *tabwriter.Writer, vetted bool, cells ...string) {
	if !vetted {
		cells = cells[:len(cells)-1]
	}
	fmt.Fprintln(w, strings.Join(cells, "\t")+"\t")
}

// totals returns the plan in one line: the numbers of certificates, reissues, proofs and vettings, and the lead.
func (o planView) totals() string {
	words := []string{o.begins(), counted(o.Reissues(), "reissue"), counted(o.DomainValidations(), "proof") + " of control"}
	if n := o.Vettings(); n > 0 {
		words = append(words, counted(n, "vetting"))
	}
	return strings.Join(append(words, "lead "+counted(o.Lead, "day")), ", ")
}

// begins returns the first of the totals: how many certificates the term needs, or that it goes on from the one in place.
func (o planView) begins() string {
	if o.Certificates[0].Held {
		return "1 certificate in place"
	}
	return counted(len(o.Certificates), "certificate")
}

func months(n int) string {
	if n%12 == 0 {
		return counted(n/12, "year")
	}
	return counted(n, "month")
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// axis returns the first and the last day that a picture of the plan shows.
func (o planView) axis() (from, to cabforum.Date) {
	from = o.Term.Start
	if first := o.Certificates[0].Issued; first.Before(from) {
		from = first
	}
	return from, o.PaidUntil
}
