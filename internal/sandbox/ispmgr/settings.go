package ispmgr

import (
	"errors"
	"maps"
	"slices"

	"pmssl/internal/sandbox/standin"
)

// Settings choose between the behaviours of the remote that public sources leave
// open. Section numbers are those of docs/reference/ispmanager.md.
type Settings struct {
	Products []Product `json:"products"`

	// ManagerPath: the API is also served at /manager/billmgr (1.1).
	ManagerPath bool `json:"manager_path"`
	// EchoSecrets: tparams repeat every request parameter, authinfo included (1.3).
	EchoSecrets bool `json:"echo_secrets"`
	// Metadata: "always", or "devel" for out=devel alone (5).
	Metadata string `json:"metadata"`
	// BalanceText replaces the number of the balance, such as "500,00" (2).
	BalanceText string `json:"balance_text"`
	// Captcha protects func=auth (1.2).
	Captcha bool `json:"captcha"`
	// MaxPageSize is the greatest page size (1.4).
	MaxPageSize int `json:"max_page_size"`
	// PastEnd: a page after the last one is "empty" or the "last" one again.
	PastEnd string `json:"past_end"`
	// IgnoreSort: p_col changes nothing, the list is always sorted by id (1.4).
	IgnoreSort bool `json:"ignore_sort"`

	// Functions are the remote's own names of functions (5, 6).
	Functions FunctionNames `json:"functions"`
	// FieldNames are the remote's own names of form fields, by the names in
	// docs/reference/ispmanager.md; numbered fields are without the number
	// ("approver_email").
	FieldNames map[string]string `json:"field_names"`
	// ExtraFields are further fields of the remote's forms.
	ExtraFields []ExtraField `json:"extra_fields"`
	// ExistingKey of crt_type: an order with a CSR of the customer's own (4.2).
	ExistingKey string `json:"existing_key"`
	// Methods are the keys of approver_method (4.4).
	Methods []string `json:"methods"`

	// WizardNext: how a submitted step leads to the next one: its "form", a
	// "redirect", or its form "nested" (1.3).
	WizardNext string `json:"wizard_next"`
	// ContactsStep and OrganizationStep: contacts and, for OV and EV, the
	// organisation have steps of their own before the last one (4.3).
	ContactsStep     bool `json:"contacts_step"`
	OrganizationStep bool `json:"organization_step"`
	// ReissueStep: the reissue is a wizard of two steps (7).
	ReissueStep bool `json:"reissue_step"`
	// CountryPrompt: country selects begin with a prompt, and list one country
	// twice (order_wizard_form_RECORDED).
	CountryPrompt bool `json:"country_prompt"`
	// PricelistShape of certificate.order.pricelist: "both", "old" or "v2" (3).
	PricelistShape string `json:"pricelist_shape"`

	// OrderAnswer: where the answer to an order has its id: "id", "nested_id"
	// or "none" (4.5).
	OrderAnswer string `json:"order_answer"`
	// Funds: the result of an order above the balance: "error", "payment_url"
	// (the order is in the basket) or "unpaid" (a service in status 1).
	Funds string `json:"funds"`
	// FundsErrorType is the type of the error document (unknown, 1.5).
	FundsErrorType string `json:"funds_error_type"`

	// StatusForm of the list: "orig", "digit", "key" or "real_status" (5).
	StatusForm string `json:"status_form"`
	// ServiceStatusInList and ServiceStatusInEdit: whether the list and
	// certificate.edit show service_status (5).
	ServiceStatusInList bool `json:"service_status_in_list"`
	ServiceStatusInEdit bool `json:"service_status_in_edit"`
	// HideRemoteID: the list has no remoteid.
	HideRemoteID bool `json:"hide_remoteid"`
	// HideChallenges: certificate.edit does not show the values to publish.
	HideChallenges bool `json:"hide_challenges"`
	// DeletedDays: how long a deleted service stays in the list.
	DeletedDays int `json:"deleted_days"`
	// ExpirePhrase: expiredate is a phrase, real_expiredate the date (1.5).
	ExpirePhrase bool `json:"expire_phrase"`
	// DeleteNeedsSok: certificate.delete does nothing without sok. Functions of
	// the type "group" act at once.
	DeleteNeedsSok bool `json:"delete_needs_sok"`

	// CertificateIn: the certificate is in "edit", in "download" or in "both" (5).
	CertificateIn string `json:"certificate_in"`
	// CertificateForm: "leaf", "chain" (leaf, intermediate), "bundle" (and
	// root), "zip" or "base64zip" (5). In edit a ZIP is always in base64.
	CertificateForm string `json:"certificate_form"`
	// ExtraPEM is appended to the certificate, such as a CA certificate that no
	// program can parse. CutLeaf removes a line of the leaf's PEM.
	ExtraPEM string `json:"extra_pem"`
	CutLeaf  bool   `json:"cut_leaf"`
	// DownloadList: the download is a list of files; each is got with
	// certificate.file.edit by the key of its row (5).
	DownloadList bool `json:"download_list"`
	// DownloadDocument: the download is the crt of a document, not a raw body.
	DownloadDocument bool `json:"download_document"`

	// Expires: expiredate is the end of the "leaf" or of the paid "term" (9).
	Expires string `json:"expires"`
	// LeafDays: length of a leaf in days; 0 takes the CA/B Forum's limit of the
	// day of issue less LeafMarginDays (docs/reference/validity.md §A1.1, §A3).
	LeafDays       int `json:"leaf_days"`
	LeafMarginDays int `json:"leaf_margin_days"`
	// NotBefore: leaves begin at "midnight" (UTC) or at the "instant".
	NotBefore string `json:"not_before"`
	// WithinTerm: a leaf never ends after the paid term.
	WithinTerm bool `json:"within_term"`
	// TermOffsetDays moves the end of the paid term.
	TermOffsetDays int `json:"term_offset_days"`
	// AddWWW: a single-domain leaf covers the name with and without "www.".
	AddWWW bool `json:"add_www"`
	// AutoIssueSeconds: an order is validated and issued by itself after this
	// number of seconds of the stand-in's clock; -1 waits for the control.
	AutoIssueSeconds int `json:"auto_issue_seconds"`
	standin.LookSettings
	// ReuseValidation: a domain is not validated again within the reuse limit
	// (docs/reference/validity.md §A1.2).
	ReuseValidation bool `json:"reuse_validation"`
	// Vetting: OV and EV also wait for the control to vet the organisation.
	Vetting bool `json:"vetting"`
	// OpenAtOrder: the service is active (2) before anything is issued (5).
	OpenAtOrder bool `json:"open_at_order"`
	// OwnReissueDays: the remote reissues by itself this number of days before a
	// leaf ends within the term; -1 means never.
	OwnReissueDays int `json:"own_reissue_days"`
	// RefusedDomains are refused by the authority (service_status 6).
	RefusedDomains []string `json:"refused_domains"`
}

// FunctionNames are the names of functions that differ between installations.
// An empty name means that the function does not exist.
type FunctionNames struct {
	CSR          string `json:"csr"`
	Contacts     string `json:"contacts"`
	Organization string `json:"organization"`
	Param        string `json:"param"`
	Reissue      string `json:"reissue"`
	Download     string `json:"download"`
	Delete       string `json:"delete"`
	ResendDNS    string `json:"resend_dns"`
	ResendEmail  string `json:"resend_email"`
	Approver     string `json:"approver"`
}

// ExtraField is a field that docs/reference/ispmanager.md does not know.
type ExtraField struct {
	Function string   `json:"function"` // as the remote names it
	Name     string   `json:"name"`
	Value    string   `json:"value"`
	Required bool     `json:"required"`
	Options  []string `json:"options,omitempty"` // keys of a select
}

// Values of Settings.
const (
	MetadataAlways = "always"
	MetadataDevel  = "devel"

	PastEndEmpty = "empty"
	PastEndLast  = "last"

	NextForm     = "form"
	NextRedirect = "redirect"
	NextNested   = "nested"

	PricelistBoth = "both"
	PricelistOld  = "old"
	PricelistV2   = "v2"

	AnswerID       = "id"
	AnswerNestedID = "nested_id"
	AnswerNone     = "none"

	FundsError      = "error"
	FundsPaymentURL = "payment_url"
	FundsUnpaid     = "unpaid"

	StatusOrig       = "orig"
	StatusDigit      = "digit"
	StatusKey        = "key"
	StatusRealStatus = "real_status"

	InEdit     = "edit"
	InDownload = "download"
	InBoth     = "both"

	FormLeaf      = "leaf"
	FormChain     = "chain"
	FormBundle    = "bundle"
	FormZIP       = "zip"
	FormBase64ZIP = "base64zip"

	MeansLeaf = "leaf"
	MeansTerm = "term"

	FromMidnight = "midnight"
	FromInstant  = "instant"
)

// DefaultSettings returns the behaviours with the best evidence; without evidence, the behaviour
// that is harder for a client.
func DefaultSettings() Settings {
	return Settings{
		Products: DefaultProducts(), ManagerPath: true, EchoSecrets: true,
		Metadata: MetadataAlways, MaxPageSize: 100, PastEnd: PastEndLast,
		Functions: FunctionNames{
			CSR: "certificate.order.csr", Contacts: "certificate.order.contacts", Organization: "certificate.order.organization",
			Param: "certificate.order.param", Reissue: "certificate.reissue", Download: "certificate.file", Delete: "certificate.delete",
			ResendDNS: "certificate.dv.dns", ResendEmail: "certificate.dv.email", Approver: "certificate.approver",
		},
		FieldNames: map[string]string{}, ExistingKey: "exists", Methods: []string{"auth_email", "auth_dnscname", "auth_dnstxt", "auth_http"},
		WizardNext: NextForm, PricelistShape: PricelistBoth,
		OrderAnswer: AnswerID, Funds: FundsError, FundsErrorType: "low_balance",
		StatusForm: StatusOrig, ServiceStatusInList: true, ServiceStatusInEdit: true, DeletedDays: 7,
		CertificateIn: InEdit, CertificateForm: FormLeaf, Expires: MeansTerm,
		LeafMarginDays: 1, NotBefore: FromMidnight, WithinTerm: true, AddWWW: true,
		AutoIssueSeconds: -1, Vetting: true, OwnReissueDays: -1, LookSettings: standin.DefaultLookSettings(),
	}
}

func (s Settings) clone() Settings {
	s.Products = slices.Clone(s.Products)
	for i := range s.Products {
		s.Products[i].Prices = maps.Clone(s.Products[i].Prices)
	}
	s.FieldNames, s.Methods = maps.Clone(s.FieldNames), slices.Clone(s.Methods)
	s.ExtraFields, s.RefusedDomains = slices.Clone(s.ExtraFields), slices.Clone(s.RefusedDomains)
	return s
}

func (s Settings) check() error {
	problems := []error{
		standin.CheckOneOf("metadata", s.Metadata, MetadataAlways, MetadataDevel),
		standin.CheckOneOf("past_end", s.PastEnd, PastEndEmpty, PastEndLast),
		standin.CheckOneOf("wizard_next", s.WizardNext, NextForm, NextRedirect, NextNested),
		standin.CheckOneOf("pricelist_shape", s.PricelistShape, PricelistBoth, PricelistOld, PricelistV2),
		standin.CheckOneOf("order_answer", s.OrderAnswer, AnswerID, AnswerNestedID, AnswerNone),
		standin.CheckOneOf("funds", s.Funds, FundsError, FundsPaymentURL, FundsUnpaid),
		standin.CheckOneOf("status_form", s.StatusForm, StatusOrig, StatusDigit, StatusKey, StatusRealStatus),
		standin.CheckOneOf("certificate_in", s.CertificateIn, InEdit, InDownload, InBoth),
		standin.CheckOneOf("certificate_form", s.CertificateForm, FormLeaf, FormChain, FormBundle, FormZIP, FormBase64ZIP),
		standin.CheckOneOf("expires", s.Expires, MeansLeaf, MeansTerm),
		standin.CheckOneOf("not_before", s.NotBefore, FromMidnight, FromInstant), s.LookSettings.Check(),
	}
	if s.LeafDays < 0 || s.LeafMarginDays < 0 || s.LeafMarginDays > 40 || s.DeletedDays < 0 || s.AutoIssueSeconds < -1 || s.OwnReissueDays < -1 {
		problems = append(problems, errors.New("leaf_days, leaf_margin_days (at most 40), deleted_days, auto_issue_seconds and own_reissue_days (from -1) must not be negative"))
	}
	if s.MaxPageSize < 1 || len(s.Methods) == 0 || s.ExistingKey == "" || s.Functions.CSR == "" || s.Functions.Param == "" {
		problems = append(problems, errors.New("max_page_size, methods, existing_key, functions.csr and functions.param are needed"))
	}
	return errors.Join(problems...)
}
