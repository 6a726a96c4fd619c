package ispmanager

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"pmssl/internal/fault"
)

// learn keeps the functions of the list's toolbar: exactly those that this user may call (docs/reference/ispmanager.md §5).
func (c *Client) learn(m metadata) {
	if !m.present || len(m.functions) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buttons, c.asked = m.functions, true
}

// functions returns the functions of the list's toolbar; none if the remote does not show it. They are asked for once.
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
			c.learn(reply.meta)
			return reply.meta.functions, nil
		}
	}
	c.mu.Lock()
	c.asked = true
	c.mu.Unlock()
	c.log.ExtInfof("%s shows no toolbar of the list of certificates; the likely names of functions are used", Title)
	return nil, nil
}

// purpose is something that a function of the remote does whose name is not certain (docs/reference/ispmanager.md §15.3).
type purpose struct {
	what   string   // for people
	likely []string // names, the likeliest first
	part   []string // what else its name or its button's may contain
	acts   bool     // it is called to act; the others are asked for a form or a file first
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

// pick finds the function for a purpose among those that are offered: a likely name, else the only one with one of the
// parts in its name, which must not be one that ends something or, where we only want to read, acts at once.
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
				one.group && !p.acts || ending(own+" "+one.name) && !ending(part)
		})
		if len(fits) == 1 {
			return fits[0].function, true
		}
	}
	return "", false
}

// ending reports whether a name speaks of an end, of whatever it may be.
func ending(name string) bool {
	return slices.ContainsFunc([]string{"delete", "remove", "drop", "revoke", "cancel", "suspend", "stop", "close"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// offer names the functions for people.
func offer(offered []tool) string {
	var names []string
	for _, one := range offered {
		names = append(names, one.function)
	}
	return orNone(names)
}

// find returns the remote's function for a purpose. Where the remote shows no toolbar the likely name is taken, and asking
// for its form reports whether it exists; where it shows one without such a function it is API that says what is offered.
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
		Title, p.what, offer(offered))
}

// element names the object of a function.
func element(id int64) url.Values { return pairs("elid", idText(id)) }
