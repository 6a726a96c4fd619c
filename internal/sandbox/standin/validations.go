package standin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/issuance"
)

// AccountName returns the key under which an account is kept. The sellers compare names of accounts
// case-insensitively.
func AccountName(user string) string { return strings.ToLower(user) }

// Domain is one name of a certificate. Proved points at the time at which control of it was proved,
// which is zero before.
type Domain struct {
	Name   string
	Proved *time.Time
}

// SelectDomains returns the domains that are validated together with one of the names, or all
// domains if no name is given. The error wraps ErrUnknown if a name matches no domain.
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

// AllProved reports whether control of each domain is proved.
func AllProved(domains []Domain) bool {
	return !slices.ContainsFunc(domains, func(d Domain) bool { return d.Proved.IsZero() })
}

// Validations records when control of a domain was proved, by "account domain".
type Validations map[string]time.Time

func validationKey(account, domain string) string {
	return AccountName(account) + " " + issuance.ValidationDomain(domain)
}

// Prove sets the time of the domains that are not proved yet, and records it for later orders of
// the account.
func (p Validations) Prove(account string, domains []Domain, at time.Time) {
	for _, d := range domains {
		if d.Proved.IsZero() {
			*d.Proved, p[validationKey(account, d.Name)] = at, at
		}
	}
}

// Reuse copies the recorded times that are recent enough for a leaf that is issued now
// (issuance.Limits).
func (p Validations) Reuse(account string, domains []Domain, now time.Time) {
	oldest := now.Add(-time.Duration(issuance.LimitsAt(now).ReuseDays) * issuance.Day)
	for _, d := range domains {
		if proved, known := p[validationKey(account, d.Name)]; known && !proved.Before(oldest) {
			*d.Proved = proved
		}
	}
}
