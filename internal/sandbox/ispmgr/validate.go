package ispmgr

import (
	"strconv"
	"strings"

	"pmssl/internal/sandbox/issuance"
)

// approvers lists the addresses that may approve a domain (6, inferred).
func approvers(c *call) answer {
	domain := strings.ToLower(c.get("domain"))
	if domain == "" {
		item, problem := c.own()
		if problem != nil {
			return refused(problem)
		}
		domain = item.CommonName
	}
	if issuance.CheckName(domain, true) != nil {
		return refused(badValue("domain", domain))
	}
	var list []element
	for _, address := range issuance.Mailboxes(domain) {
		list = append(list, node("elem", textNode("email", address)))
	}
	return success(list...)
}

// resendDNS makes the authority check the records again (6).
func resendDNS(c *call) answer {
	item, problem := c.waiting(func(kind string) bool { return kind != kindEmail })
	if problem != nil {
		return refused(problem)
	}
	names := keysOnly(item.names())
	f := c.withExtras(form{function: c.get("func"), fields: []field{{name: "elid", value: c.get("elid"), hidden: true}, {name: "domain", value: names[0].key, options: names}}})
	if !c.params.submits() {
		return c.formAnswer(f)
	}
	if problem := c.check(f); problem != nil {
		return refused(problem)
	}
	if c.settings.NewValuesWhenAsked {
		item.Renewed++
	}
	item.Looks.Asked = true
	c.server.issueDue(item, c.now)
	return success(node("ok"))
}

// resendEmail sends the approval mails again, also to other approvers (6).
func resendEmail(c *call) answer {
	item, problem := c.waiting(func(kind string) bool { return kind == kindEmail })
	if problem != nil {
		return refused(problem)
	}
	fields := c.approverFields(item.names(), item.Method, item.Domains)[1:]
	f := c.withExtras(form{function: c.get("func"), fields: append([]field{{name: "elid", value: c.get("elid"), hidden: true}}, fields...)})
	if !c.params.submits() {
		return c.formAnswer(f)
	}
	if problem := c.check(f); problem != nil {
		return refused(problem)
	}
	for i := range item.Domains {
		if chosen := c.get("approver_email_" + strconv.Itoa(i+1)); chosen != "" {
			item.Domains[i].Approver = chosen
		}
	}
	return success(node("ok"))
}

// waiting returns the service of the request if it has a running order whose kind of challenge
// fits. Type and object of the refusal are inferred.
func (c *call) waiting(fits func(kind string) bool) (*Certificate, *Problem) {
	item, problem := c.own()
	if problem != nil {
		return nil, problem
	}
	if !item.isWaiting() || !fits(methodKind(item.Method)) {
		return nil, badValue("elid", c.get("elid"))
	}
	return item, nil
}
