package namecheap

import (
	"net/http"

	"pmssl/internal/sandbox/controlhttp"
	"pmssl/internal/sandbox/standin"
)

// Control returns the handler of the control address. It has no authentication: serve it on
// loopback only.
func (s *Server) Control() http.Handler {
	return controlhttp.Handler(s, controlhttp.Options[Account, Certificate]{
		Help: ControlHelp, CA: s.ca,
		Leaf: func(c Certificate) string { return c.Certificate },
		Hide: func(a *Account) { a.Key = standin.Hidden },
	})
}

// ControlHelp describes the control address, with one example per endpoint.
const ControlHelp = `Control address (JSON; C stands for it):

  curl C/                                                   this text
  curl C/state                                              everything: accounts, certificates, charges, settings
  curl C/clock                                              the stand-in's time
  curl C/clock -d '{"time":"2026-04-02T10:00:00Z"}'         stop the clock at an instant (written to --clock FILE)
  curl C/clock -d '{"advance":"10d"}'                       move it on: 10d, 36h, 90s
  curl C/clock -d '{"real":true}'                           follow the real clock again
  curl C/certificates                                       all certificates
  curl C/certificates/34350001                              one of them
  curl C/certificates/34350001/leaf.pem                     its leaf
  curl -X POST C/certificates/34350001/prove                all its domains are proved: issued (DV)
  curl C/certificates/34350001/prove -d '{"domain":"a.example.com"}'   one of them
  curl -X POST C/certificates/34350001/vet                  the organisation is vetted (OV, EV)
  curl -X POST C/certificates/34350001/issue                prove and vet everything
  curl C/certificates/34350001/refuse -d '{"reason":"Domain is blocked."}'  the CA refuses: purchaseerror
  curl C/certificates/34350001/cancel -d '{"reason":"..."}' cancelled
  curl C/certificates/34350001/revoke -d '{"reason":"keyCompromise"}'  the CA revokes the newest leaf; the order stays as it is
  curl -X POST C/certificates/34350001/reset                support resets a purchaseerror
  curl -X POST C/domains/example.com/prove                  prove it in every waiting certificate
  curl C/revocations                                        what the CA has revoked
  curl C/revocations -d '{"serial":"1f2e","reason":"superseded"}'  revoke any leaf by its serial number in hexadecimal
  curl C/crl                                                addresses of the CRLs, their fault, requests by path
  curl C/crl/fault -d '{"kind":"old"}'                      spoil all CRLs;  -X DELETE ends it
  curl -X DELETE C/crl/requests                             forget the requests
  curl C/charges                                            what was paid
  curl C/requests?command=create                            log of requests, secrets redacted
  curl C/counters                                           number of requests by command
  curl -X DELETE C/requests                                 empty the log and the counters
  curl C/faults                                             active faults
  curl C/faults -d '{"command":"create","kind":"drop_after","times":1}'     add one; answers its id
  curl -X DELETE C/faults                                   clear all;  C/faults/3 clears one
  curl -X POST C/appear                                     execute the requests that a vanish fault held back
  curl C/accounts                                           accounts (keys hidden)
  curl C/accounts -d '{"user":"alice","key":"0123456789abcdef0123456789abcdef","white_list":["127.0.0.1"],"balance":"50.00"}'
  curl -X PATCH C/accounts/sandbox -d '{"balance":"0.00"}'  change one: key, white_list, balance, locked
  curl C/settings                                           settings in force
  curl -X PATCH C/settings -d '{"expires":"term","rate_limit":{"enabled":false}}'  change some
  curl C/ca/root.pem                                        root of the CA;  C/ca/intermediate.pem

Faults: command ("create", "namecheap.ssl.create", "" = every command), kind, times (0 = until cleared),
skip (let so many pass first), delay ("1500ms", with any kind), commit (true: execute the request first).
  delay        wait, then execute and answer; with "commit":true execute, wait, answer
  drop_before  close the connection, nothing executed       drop_after  execute, then close the connection
  http405 http500 http502 html redirect   such an answer; nothing executed unless "commit":true
  api_error    "number" and "text" of the seller's error, nothing executed unless "commit":true
  truncate charset huge   execute, damage the answer ("charset":"windows-1251" declares that one)
  vanish       close the connection; executed only by POST /appear

Reasons of revocations: unspecified (the default) keyCompromise cACompromise affiliationChanged superseded cessationOfOperation
certificateHold removeFromCRL (ends a hold) privilegeWithdrawn aACompromise.

Faults of CRLs: kind, times (0 = until deleted). Lists: old future huge (right, 11 MiB); false ones, with the serial numbers of
"revoked":["1f2e"] alone: forged wrong_issuer wrong_key_id wrong_point delta indirect critical. Other answers: garbage truncated
pem empty error (503) redirect (to "location"). Connections: unreachable broken_off slow (an octet each "delay":"1s") hang.

Settings (first value is the default):
  replaced_at         acceptance|issue   when a reissue turns the old id "replaced"
  expires             leaf|term          meaning of Expires and ExpireDate
  expired_at          term|leaf          when an active id turns "expired"
  renew_window_from   term|leaf          the end that the renew window is around
  leaf_days           0 = CA/B Forum limit of the day less leaf_margin_days (1): 199, 99, 46
  not_before          midnight|instant   within_term  true|false   a leaf never outlives the paid term
  term_offset_days    0   moves the end of the paid term       activation_days  365
  auto_issue_seconds  -1 = wait for the control, N = issued N seconds (of the stand-in's clock) after activation
  look_every_seconds  14400 = with --internet the CA looks at the challenges this often, beside the looks at the submission
                      and when it is asked; 0 = only then     issue_delay_seconds  0   issued this long after they were seen,
                      if they still stand     new_values_when_asked  false|true   another look gives new values
  reuse_validation    false|true   recent validations are reused    vetting  true|false   OV and EV wait for vet
  return_vetted       true|false   OV and EV certificates are returned by getInfo
  return_root         true|false   CaCertificates ends with the root
  add_www             true|false   "www." comes with a single domain
  replacement         by_date|on|off     old products are replaced since 2026-07-11
  product_names       both|documented|suffixed   names of the SSL.com products that are taken
  sans_count          included|purchased fresh 3-domain certificate reports 2 or 0
  balance_text        ""   what getBalances writes in place of the number, such as "500,00"
  untyped_prices      false|true   prices without PricingType     flat_create  false|true   ssl.create's id on SSLCreateResult
  extra_pem           ""   delivered behind the chain              cut_leaf     false|true   a line of the leaf's PEM is missing
  undocumented        true|false   attributes that the documentation does not list
  pem_whitespace      true|false   stray white space around PEM     email_blocks  true|false
  admin_email_required false|true  domain_emails false|true  dcv_suffix_comodo dcv_suffix_sslcom comodoca.com
  rate_limit          {"enabled":true,"minute":20,"hour":700,"day":8000}, 0 = that window is off. The buckets
                      fill with the stand-in's clock: while it is stopped they do not, so move it or switch them off.
  refused_domains     ["bad.example"]: the CA refuses them at activate: error, purchaseerror
  promotions          {"CODE":{"percent_off":10,"state":"active"}}; other states: exceeded not_started expired
                      needs_user access_denied inactive error
`
