package ispmanager

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
)

// setButtons stores the functions of the list's toolbar, which are those that this user may call
// (docs/reference/ispmanager.md §5).
func (c *Client) setButtons(m metadata) {
	if !m.present || len(m.functions) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buttons, c.asked = m.functions, true
}

// functions returns the functions of the list's toolbar; none if the remote does not show it. They are read once.
func (c *Client) functions(ctx context.Context) ([]tool, error) {
	c.mu.Lock()
	known, asked := c.buttons, c.asked
	c.mu.Unlock()
	if asked {
		return known, nil
	}
	for _, out := range []string{"xml", "devel"} { // the pages' own output always has the metadata (docs/reference/ispmanager.md §5)
		reply, err := c.read(ctx, functionList, pairs("p_cnt", "1", "p_num", "1", "out", out))
		if err != nil && out == "xml" {
			return nil, err
		}
		if err == nil && len(reply.meta.functions) > 0 {
			c.setButtons(reply.meta)
			return reply.meta.functions, nil
		}
	}
	c.mu.Lock()
	c.asked = true
	c.mu.Unlock()
	c.log.ExtInfof("%s shows no toolbar of the list of certificates; the likely function names are used", Title)
	return nil, nil
}

// purpose is a task for which the name of the remote's function is not certain (docs/reference/ispmanager.md §15.3).
type purpose struct {
	what   string   // for people
	likely []string // likely names of the function, the likeliest first
	part   []string // words that the name of another function or of its button may contain
	acts   bool     // the function acts when it is called; others return a form or a file first
}

func downloading() purpose {
	return purpose{"the certificate as a file", []string{"certificate.file", "certificate.download", "certificate.crt"}, []string{"download", "file", "crt"}, false}
}

func deleting() purpose {
	return purpose{"the deletion of a certificate", []string{"certificate.delete"}, []string{"delete"}, true}
}

func reissuing() purpose {
	return purpose{"a reissue", []string{"certificate.reissue"}, []string{"reissue"}, false}
}

func retryingDNS() purpose {
	return purpose{"another check of the DNS records", []string{"certificate.dv.dns", "certificate.senddvdns"}, []string{"dns"}, true}
}

func mailingApprovers() purpose {
	return purpose{"another approval e-mail", []string{"certificate.dv.email", "certificate.senddvemail"}, []string{"email", "mail"}, true}
}

func listingApprovers() purpose {
	return purpose{"the addresses of approvers", []string{"certificate.approver"}, []string{"approver"}, false}
}

// pick returns the offered function for a purpose: one with a likely name, else the only one with a word of part in its
// name. That one must not end something, and must not act at once unless the purpose does.
func (p purpose) pick(offered []tool) (string, bool) {
	for _, name := range p.likely {
		if slices.ContainsFunc(offered, func(one tool) bool { return one.function == name }) {
			return name, true
		}
	}
	for _, part := range p.part {
		fits := slices.DeleteFunc(slices.Clone(offered), func(one tool) bool {
			own, found := strings.CutPrefix(strings.ToLower(one.function), "certificate.")
			return !found || !strings.Contains(own, part) && !strings.Contains(one.name, part) ||
				one.group && !p.acts || endsSomething(own+" "+one.name) && !endsSomething(part)
		})
		if len(fits) == 1 {
			return fits[0].function, true
		}
	}
	return "", false
}

// endsSomething reports whether the name has a word such as delete or cancel.
func endsSomething(name string) bool {
	return slices.ContainsFunc([]string{"delete", "remove", "drop", "revoke", "cancel", "suspend", "stop", "close"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// functionNames returns the names of the functions as one text.
func functionNames(offered []tool) string {
	var names []string
	for _, one := range offered {
		names = append(names, one.function)
	}
	return orNone(names)
}

// find returns the remote's function for a purpose. If the remote shows no toolbar, it returns the likeliest name, and
// a request for its form shows whether it exists. If the toolbar has no such function, the fault is of type API and
// names those that it has.
func (c *Client) find(ctx context.Context, p purpose) (string, error) {
	offered, err := c.functions(ctx)
	if err != nil {
		return "", err
	}
	if len(offered) == 0 {
		return p.likely[0], nil
	}
	if name, found := p.pick(offered); found {
		return name, nil
	}
	return "", fault.Errorf(fault.API, p.likely[0], "%s offers this user no function for %s; it offers %s",
		Title, p.what, functionNames(offered))
}

// element returns the parameter that names the order of a function.
func element(id int64) url.Values { return pairs("elid", idText(id)) }
