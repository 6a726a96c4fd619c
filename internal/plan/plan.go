package plan

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// planView is the plan of one term with what else is shown about it.
type planView struct {
	cabforum.Plan
	title string // name and number of the item; empty for a term without an item
	today cabforum.Date
	level seller.Level
}

// Run shows the certificates of a paid term (docs/reference/validity.md §B3.11): of an item, or of a term without an item, for
// which neither panel nor database is needed. It changes nothing and takes no lock.
func Run(ctx context.Context, run *item.Run) (*etree.Document, error) {
	var (
		o   planView
		err error
	)
	if run.Args.Item > 0 {
		o, err = itemView(ctx, run)
	} else {
		o, err = termView(run)
	}
	if err != nil {
		return nil, err
	}
	switch run.Format {
	case item.FormatText:
		run.Print = o.text()
		return nil, nil
	case item.FormatSVG:
		return o.picture(), nil
	}
	return o.document(), nil
}

// termView returns the plan of a term without an item, from the options only.
func termView(run *item.Run) (planView, error) {
	var problems []string
	addProblem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	start, err := cabforum.ParseDate(run.Args.OpenDate)
	if err != nil || start.IsZero() {
		addProblem("--opendate %q is not a date of the form YYYY-MM-DD", item.Brief(run.Args.OpenDate))
	}
	months, err := strconv.Atoi(run.Args.Period)
	switch {
	case run.Args.Period == "":
		addProblem("--opendate needs --period with the months of the term")
	case err != nil || months < 1 || months > cabforum.MaxMonths:
		addProblem("--period %q is not a number of months between 1 and %d", item.Brief(run.Args.Period), cabforum.MaxMonths)
	}
	lead, err := leadOf(run.Args.Before, cabforum.DefaultLead)
	if err != nil {
		addProblem("%v", err)
	}
	var product seller.Product
	if name := run.Args.Intname; name != "" {
		found := false
		if product, found = seller.FindProduct(run.Info.Products, name); !found {
			addProblem("--intname %q is not a product of %s", item.Brief(name), run.Info.Title)
		}
	}
	if len(problems) > 0 {
		return planView{}, fault.Errorf(fault.Value, "argv", "command plan: %s", strings.Join(problems, "; "))
	}
	planInput := cabforum.PlanInput{
		Term: cabforum.Term{Start: start, Months: months}, Lead: lead, Level: product.Level,
	}
	return simulate(run, planInput, product, "opendate")
}

// leadOf returns the lead in days from --before, or the setting if that is empty.
func leadOf(before string, setting int) (int, error) {
	if before == "" {
		return setting, nil
	}
	days, err := strconv.Atoi(before)
	if err != nil || days < 0 || days > cabforum.MaxLead {
		return 0, fmt.Errorf("--before %q is not a number of days between 0 and %d", item.Brief(before), cabforum.MaxLead)
	}
	return days, nil
}

// simulate returns the plan; object is that of the fault if the input is wrong.
func simulate(run *item.Run, p cabforum.PlanInput, product seller.Product, object string) (planView, error) {
	thePlan, err := p.Plan()
	if err != nil {
		return planView{}, fault.Errorf(fault.Value, object, "%w", err)
	}
	return planView{Plan: thePlan, today: cabforum.DateOf(run.Now()), level: product.Level}, nil
}

// itemView returns the plan of the rest of an item's term, beginning with its stored certificate.
func itemView(ctx context.Context, run *item.Run) (planView, error) {
	if run.Args.OpenDate != "" || run.Args.Period != "" || run.Args.Intname != "" {
		return planView{}, fault.Errorf(fault.Value, "argv", "command plan: --opendate, --period and --intname are for a term without an item; leave them out with --item")
	}
	order, err := run.Panel.LoadItem(ctx, run.Args.Item)
	if err != nil {
		return planView{}, err
	}
	j := &planned{item.NewHandle(run, order)}
	product, err := j.Product()
	if err != nil {
		return planView{}, err
	}
	settings, notes, err := item.SubscriptionSettings(ctx, run.Panel)
	if err != nil {
		return planView{}, err
	}
	lead, err := leadOf(run.Args.Before, settings.Lead)
	if err != nil {
		return planView{}, fault.Errorf(fault.Value, "before", "command plan: %w", err)
	}
	planInput, remarks := j.planInput(product, lead)
	o, err := simulate(run, planInput, product, "item")
	if err != nil {
		return planView{}, err
	}
	o.title = fmt.Sprintf("item %d", order.Item)
	if name := item.DisplayLine(order.Name, item.MaxName); name != "" {
		o.title = name + ", " + o.title
	}
	o.Warnings = append(o.Warnings, append(policyWarnings(settings, notes), remarks...)...)
	return o, nil
}

// Types of warnings about an item and its panel; those about the plan itself are cabforum's.
const (
	warnSetting = "setting" // a setting cannot be used as it is written
	warnPolicy  = "policy"  // nothing is reissued automatically
	warnStored  = "stored"  // the stored certificate cannot be read
)

func policyWarnings(settings cabforum.Settings, notes []string) []cabforum.Warning {
	var all []cabforum.Warning
	for _, note := range notes {
		all = append(all, cabforum.Warning{Type: warnSetting, Text: note})
	}
	if settings.Policy != cabforum.PolicyAuto {
		all = append(all, cabforum.Warning{Type: warnPolicy, Text: fmt.Sprintf(
			"%s is %s: nothing is reissued automatically on the planned days", cabforum.SettingPolicy, settings.Policy)})
	}
	return all
}

// planInput returns the item's term and certificate as input for the plan, and warnings about them.
func (j *planned) planInput(product seller.Product, lead int) (cabforum.PlanInput, []cabforum.Warning) {
	p := cabforum.PlanInput{
		Term: cabforum.Term{Start: j.TermStart(), Months: j.TermMonths()}, Lead: lead, Today: j.Today(),
		Level: product.Level, Method: j.provedBy(), Wildcard: product.Wildcard,
	}
	if end, err := cabforum.ParseDate(j.Item.Params[itemparam.TermEnd]); err == nil {
		p.SellerEnd = end
	}
	if j.Item.Stored == "" {
		return p, nil
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return p, []cabforum.Warning{{Type: warnStored, Text: fmt.Sprintf(
			"the stored certificate cannot be read (%v): the plan begins with a new one", err)}}
	}
	p.Held = &cabforum.Validity{NotBefore: stored.Leaf.NotBefore, NotAfter: stored.Leaf.NotAfter}
	p.Vetted = p.Term.Start // a new order or renewal is vetted, a reissue reuses that
	if at, err := time.Parse(time.RFC3339, j.Item.Params[itemparam.ValidationTime]); err == nil {
		p.DomainValidated = cabforum.DateOf(at)
	}
	return p, nil
}

// provedBy returns the method by which control was last proved, or the chosen method if it was not proved yet.
func (j *planned) provedBy() seller.Method {
	for _, m := range []seller.Method{seller.MethodEmail, seller.MethodDNS, seller.MethodFile} {
		if j.Item.Params[itemparam.ValidationMethod] == m.String() {
			return m
		}
	}
	chosen, err := seller.ParseMethod(j.Item.Params[itemparam.Method])
	if err != nil {
		return seller.MethodUnknown
	}
	return chosen
}

// document returns the plan as XML (rules SWEEP-7). The attribute act is empty if the certificate lasts to the end of the term.
func (o planView) document() *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("plan")
	xmldoc.SetAttributes(node, "opendate", o.Term.Start, "period", o.Term.Months, "paid_until", o.PaidUntil, "lead", o.Lead)
	for _, c := range o.Certificates {
		xmldoc.SetAttributes(node.CreateElement("certificate"), "n", c.N, "issued", c.Issued, "expires", c.Expires, "days", c.Days,
			"cap", c.Cap, "act", c.ReissueOn, "dcv", c.DomainValidation, "sii", c.SubjectValidation)
	}
	for _, w := range o.Warnings {
		warning := node.CreateElement("warning")
		warning.CreateAttr("type", w.Type)
		warning.SetText(w.Text)
	}
	return doc
}

// planned is an item whose term is planned.
type planned struct{ *item.Handle }
