package namecheap

import (
	"errors"
	"maps"
	"slices"

	"pmssl/internal/sandbox/standin"
)

// Settings choose between the behaviours of the seller that public sources leave
// open, and let certificates be issued without the control.
type Settings struct {
	// ReplacedAt: when the old id of a reissue turns "replaced", at its
	// acceptance or when the new one is issued (docs/reference/namecheap.md §2).
	ReplacedAt string `json:"replaced_at"`
	// Expires: what getInfo's Expires and getList's ExpireDate mean after a
	// purchase of several years, the leaf's end or the paid term's (10).
	Expires string `json:"expires"`
	// ExpiredAt: when an active id turns "expired", at the end of its leaf or
	// of the paid term. "term" keeps a late reissue possible.
	ExpiredAt string `json:"expired_at"`
	// RenewWindowFrom: from which end the renew window of 90 days before to
	// 180 days after is counted (10).
	RenewWindowFrom string `json:"renew_window_from"`
	// LeafDays: length of a leaf in days; 0 takes the CA/B Forum's limit of
	// the day of issue less LeafMarginDays (docs/reference/validity.md §A1.1, §A3).
	LeafDays       int `json:"leaf_days"`
	LeafMarginDays int `json:"leaf_margin_days"`
	// NotBefore: leaves begin at the midnight (UTC) of their day of issue or
	// at the very instant.
	NotBefore string `json:"not_before"`
	// WithinTerm: a leaf never ends after the paid term.
	WithinTerm bool `json:"within_term"`
	// TermOffsetDays moves the seller's end of the paid term; negative ends it earlier.
	TermOffsetDays int `json:"term_offset_days"`
	// ActivationDays: how long a purchase may wait for its activation.
	ActivationDays int `json:"activation_days"`
	// AutoIssueSeconds: an activated certificate is issued by itself after this
	// number of seconds of the stand-in's clock; -1 waits for the control.
	AutoIssueSeconds int `json:"auto_issue_seconds"`
	standin.LookSettings
	// ReuseValidation: a domain is not validated again within the CA/B Forum's
	// reuse limit (docs/reference/validity.md §A1.2).
	ReuseValidation bool `json:"reuse_validation"`
	// Vetting: OV and EV also wait for the control to vet the organisation.
	Vetting bool `json:"vetting"`
	// ReturnVetted: OV and EV certificates are returned; the seller's own
	// sandbox does not (9).
	ReturnVetted bool `json:"return_vetted"`
	// ReturnRoot: CaCertificates has the root after the intermediate, as
	// production answers with several and the seller's sandbox with one (3.3).
	ReturnRoot bool `json:"return_root"`
	// ExtraPEM is appended to the chain, such as a CA certificate that no program can parse.
	ExtraPEM string `json:"extra_pem"`
	// CutLeaf: a line is missing in the leaf's PEM.
	CutLeaf bool `json:"cut_leaf"`
	// AddWWW: a single-domain leaf covers the name with and without "www.", a
	// wildcard its bare domain.
	AddWWW bool `json:"add_www"`
	// Replacement of the old products: by date, always or never (4).
	Replacement string `json:"replacement"`
	// ProductNames: which names of the SSL.com products are accepted and answered (4).
	ProductNames string `json:"product_names"`
	// SANSCount: a fresh certificate of three domains reports 2 (included) or 0 (purchased) (3.10).
	SANSCount string `json:"sans_count"`
	// Undocumented: Years, validationType, ProviderOrderID (0.9).
	Undocumented bool `json:"undocumented"`
	// BalanceText replaces the number of the balance, such as "500,00" (6).
	BalanceText string `json:"balance_text"`
	// UntypedPrices: rows of getPricing have no PricingType and no YourPriceType (7).
	UntypedPrices bool `json:"untyped_prices"`
	// FlatCreate: ssl.create has the id on SSLCreateResult itself (14).
	FlatCreate bool `json:"flat_create"`
	// PEMWhitespace: stray white space around PEM texts (3.3).
	PEMWhitespace bool `json:"pem_whitespace"`
	// EmailBlocks: an e-mail-only activation answers with empty DCV blocks (3.2).
	EmailBlocks bool `json:"email_blocks"`
	// AdminEmailRequired as older copies of the documentation say (3.2).
	AdminEmailRequired bool `json:"admin_email_required"`
	// DomainEmails: getApproverEmailList has an address from WHOIS (3.6).
	DomainEmails bool `json:"domain_emails"`
	// DCVSuffixComodo and DCVSuffixSSLcom end the values to publish (5).
	DCVSuffixComodo string `json:"dcv_suffix_comodo"`
	DCVSuffixSSLcom string `json:"dcv_suffix_sslcom"`
	// RateLimit: calls per account and window; 405 above (1.4).
	RateLimit RateLimit `json:"rate_limit"`
	// RefusedDomains are refused by the authority at activate and reissue: the
	// request fails and the certificate turns "purchaseerror" (2).
	RefusedDomains []string `json:"refused_domains"`
	// Promotions by code.
	Promotions map[string]Promotion `json:"promotions"`
}

// RateLimit holds the sizes of the three token buckets. Zero switches a bucket off.
type RateLimit struct {
	Enabled bool `json:"enabled"`
	Minute  int  `json:"minute"`
	Hour    int  `json:"hour"`
	Day     int  `json:"day"`
}

// Promotion is a promotion code. With a State other than "active" the
// code is refused with the text for that state (docs/reference/namecheap.md §3.7).
type Promotion struct {
	PercentOff int    `json:"percent_off"`
	State      string `json:"state"`
}

// Values of Settings.
const (
	AtIssue      = "issue"
	AtAcceptance = "acceptance"

	MeansLeaf = "leaf"
	MeansTerm = "term"

	FromMidnight = "midnight"
	FromInstant  = "instant"

	ReplacementByDate = "by_date"
	ReplacementOn     = "on"
	ReplacementOff    = "off"

	NamesBoth       = "both" // both are accepted, the suffixed one is answered
	NamesDocumented = "documented"
	NamesSuffixed   = "suffixed"

	SANSIncluded  = "included"
	SANSPurchased = "purchased"

	PromotionActive = "active"
)

// DefaultSettings returns the behaviours with the best evidence; without evidence, the behaviour
// that is harder for a client.
func DefaultSettings() Settings {
	return Settings{
		ReplacedAt:       AtAcceptance,
		Expires:          MeansLeaf,
		ExpiredAt:        MeansTerm,
		RenewWindowFrom:  MeansTerm,
		LeafMarginDays:   1,
		NotBefore:        FromMidnight,
		WithinTerm:       true,
		ActivationDays:   365,
		AutoIssueSeconds: -1,
		Vetting:          true,
		ReturnVetted:     true,
		ReturnRoot:       true,
		AddWWW:           true,
		Replacement:      ReplacementByDate,
		ProductNames:     NamesBoth,
		SANSCount:        SANSIncluded,
		Undocumented:     true,
		PEMWhitespace:    true,
		EmailBlocks:      true,
		DCVSuffixComodo:  "comodoca.com",
		DCVSuffixSSLcom:  "comodoca.com",
		RateLimit:        RateLimit{Enabled: true, Minute: 20, Hour: 700, Day: 8000},
		Promotions:       map[string]Promotion{},
		LookSettings:     standin.DefaultLookSettings(),
	}
}

func (s Settings) clone() Settings {
	s.Promotions = maps.Clone(s.Promotions)
	s.RefusedDomains = slices.Clone(s.RefusedDomains)
	return s
}

func (s Settings) check() error {
	problems := []error{
		standin.CheckOneOf("replaced_at", s.ReplacedAt, AtIssue, AtAcceptance),
		standin.CheckOneOf("expires", s.Expires, MeansLeaf, MeansTerm),
		standin.CheckOneOf("expired_at", s.ExpiredAt, MeansLeaf, MeansTerm),
		standin.CheckOneOf("renew_window_from", s.RenewWindowFrom, MeansLeaf, MeansTerm),
		standin.CheckOneOf("not_before", s.NotBefore, FromMidnight, FromInstant),
		standin.CheckOneOf("replacement", s.Replacement, ReplacementByDate, ReplacementOn, ReplacementOff),
		standin.CheckOneOf("product_names", s.ProductNames, NamesBoth, NamesDocumented, NamesSuffixed),
		standin.CheckOneOf("sans_count", s.SANSCount, SANSIncluded, SANSPurchased), s.LookSettings.Check(),
	}
	if s.LeafDays < 0 || s.LeafMarginDays < 0 || s.LeafMarginDays > 40 || s.ActivationDays < 0 || s.AutoIssueSeconds < -1 {
		problems = append(problems, errors.New("leaf_days, leaf_margin_days (at most 40), activation_days and auto_issue_seconds (from -1) must not be negative"))
	}
	return errors.Join(problems...)
}
