package ispmgr

import (
	"slices"
	"strings"
	"time"

	"pmssl/internal/sandbox/standin"
)

// watch has the authority look at the challenges of a running order where that is due, and reports whether the certificate may
// be issued. A challenge that was used before, or that is removed too early, fails the order.
func (s *Server) watch(c *Certificate, now time.Time) bool {
	ready, err := s.settings.Watch(s.looker, standin.LookOrder{
		Domains: c.domains(), Challenges: s.publishedChallenges(c), Looks: &c.Looks,
		Used: func(challenge string) bool { return s.usedElsewhere(c, challenge) },
		Prove: func(domains []standin.Domain, at time.Time) {
			s.validations.Prove(c.Account, domains, at)
		},
	}, now)
	if err != nil {
		c.ServiceStatus, c.Description = Failed, err.Error()
	}
	return ready
}

// publishedChallenges returns what the customer has to publish; none for e-mail.
func (s *Server) publishedChallenges(c *Certificate) []standin.Challenge {
	names, values := s.challenges(c)
	if values == "" {
		return nil
	}
	kind := map[string]string{kindCNAME: standin.ChallengeCNAME, kindTXT: standin.ChallengeTXT, kindFile: standin.ChallengeFile}[methodKind(c.Method)]
	hosts, texts := strings.Split(names, "\n"), strings.Split(values, "\n")
	var all []standin.Challenge
	for i, d := range c.Domains {
		all = append(all, standin.Challenge{Kind: kind, Domain: d.Name, Name: hosts[i], URL: hosts[i], Value: texts[i], Parents: true})
	}
	return all
}

// usedElsewhere reports whether another service has a certificate that was issued with a challenge.
func (s *Server) usedElsewhere(c *Certificate, challenge string) bool {
	for id, other := range s.certificates.All() {
		if id != c.ID && slices.Contains(other.Looks.Used, challenge) {
			return true
		}
	}
	return false
}
