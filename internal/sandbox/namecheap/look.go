package namecheap

import (
	"slices"
	"time"

	"pmssl/internal/sandbox/standin"
)

// watch has the authority look at the challenges of a waiting certificate where that is due, and reports whether the
// certificate may be issued. Without the values that the seller gave, or with used ones, the order fails.
func (s *Server) watch(c *Certificate, now time.Time) bool {
	challenges, err := s.publishedChallenges(c)
	ready := false
	if err == nil {
		ready, err = s.settings.Watch(s.looker, standin.LookOrder{
			Domains: c.domains(), Challenges: challenges, Looks: &c.Looks,
			Used: func(challenge string) bool { return s.usedElsewhere(c, challenge) },
			Prove: func(domains []standin.Domain, at time.Time) {
				s.validations.Prove(c.Account, domains, at)
			},
		}, now)
	}
	if err != nil {
		c.Status, c.Description = PurchaseError, err.Error()
	}
	return ready
}

// publishedChallenges returns what the customer has to publish for the domains that are not validated by e-mail. Sectigo
// accepts a record at a domain above too, SSL.com does not (docs/reference/unattended.md §1).
func (s *Server) publishedChallenges(c *Certificate) ([]standin.Challenge, error) {
	values, err := s.challengeOf(c)
	if err != nil {
		return nil, err
	}
	var all []standin.Challenge
	for _, d := range c.Domains {
		switch d.Method {
		case ByDNS:
			all = append(all, standin.Challenge{
				Kind: standin.ChallengeCNAME, Domain: d.Name, Name: values.HostName(d.Name), Value: values.Target(), Parents: !s.productOf(c).sslcom(),
			})
		case ByHTTP:
			all = append(all, standin.Challenge{
				Kind: standin.ChallengeFile, Domain: d.Name, URL: values.FileURL(d.Name), Value: values.FileContent(),
			})
		}
	}
	return all, nil
}

// usedElsewhere reports whether another certificate was issued with a challenge.
func (s *Server) usedElsewhere(c *Certificate, challenge string) bool {
	for id, other := range s.certificates.All() {
		if id != c.ID && slices.Contains(other.Looks.Used, challenge) {
			return true
		}
	}
	return false
}

// lookAgain has the authority look at once. As the settings say, there are new values first.
func (s *Server) lookAgain(c *Certificate, now time.Time) error {
	if s.looker == nil {
		return nil
	}
	if s.settings.NewValuesWhenAsked {
		unique, err := s.uniqueValue(now)
		if err != nil {
			return err
		}
		c.UniqueValue = unique
	}
	c.Looks.Asked = true
	s.issueDue(c, now)
	return nil
}
