package standin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
)

// AccountName is the name under which an account is kept: the sellers do not
// tell upper from lower case in it.
func AccountName(user string) string { return strings.ToLower(user) }

// Domain is one name of a certificate; Proved, zero until then, is where the
// certificate keeps when control of it was proved.
type Domain struct {
	Name   string
	Proved *time.Time
}

// SelectDomains are the domains that are proved together with one of the names, all of
// them where no name is given. It fails with ErrUnknown for a name without one.
func SelectDomains(domains []Domain, names ...string) ([]Domain, error) {
	if len(names) == 0 {
		return domains, nil
	}
	var found []Domain
	for _, name := range names {
		count := len(found)
		for _, d := range domains {
			if issuance.ValidationDomain(d.Name) == issuance.ValidationDomain(name) {
				found = append(found, d)
			}
		}
		if len(found) == count {
			return nil, fmt.Errorf("%w domain %s", ErrUnknown, name)
		}
	}
	return found, nil
}

// AllProved tells whether control of each domain is proved.
func AllProved(domains []Domain) bool {
	return !slices.ContainsFunc(domains, func(d Domain) bool { return d.Proved.IsZero() })
}

// Validations tell when control of a domain was proved, by "account domain".
type Validations map[string]time.Time

func validationKey(account, domain string) string {
	return AccountName(account) + " " + issuance.ValidationDomain(domain)
}

// Prove marks the domains that are not proved yet, and keeps that for later
// orders of the account.
func (p Validations) Prove(account string, domains []Domain, at time.Time) {
	for _, d := range domains {
		if d.Proved.IsZero() {
			*d.Proved, p[validationKey(account, d.Name)] = at, at
		}
	}
}

// Reuse takes over what is young enough for a leaf issued now
// (issuance.Limits).
func (p Validations) Reuse(account string, domains []Domain, now time.Time) {
	oldest := now.Add(-time.Duration(issuance.LimitsAt(now).ReuseDays) * issuance.Day)
	for _, d := range domains {
		if proved, known := p[validationKey(account, d.Name)]; known && !proved.Before(oldest) {
			*d.Proved = proved
		}
	}
}
