package ispmgr

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
		Leaf:  func(c Certificate) string { return c.Certificate },
		Hide:  func(a *Account) { a.Password = standin.Hidden },
		Verbs: map[string]func(id int64) error{"pay": s.Pay},
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
  curl C/certificates                                       all services, those in the basket too
  curl C/certificates/1234501                               one of them
  curl C/certificates/1234501/leaf.pem                      its leaf
  curl -X POST C/certificates/1234501/prove                 all its domains are proved: issued (DV)
  curl C/certificates/1234501/prove -d '{"domain":"a.example.com"}'   one of them
  curl -X POST C/certificates/1234501/vet                   the organisation is vetted (OV, EV)
  curl -X POST C/certificates/1234501/issue                 prove and vet everything
  curl C/certificates/1234501/refuse -d '{"reason":"Domain is blocked."}'  the CA refuses: service_status 6
  curl C/certificates/1234501/cancel -d '{"reason":"..."}'  deleted by the seller
  curl C/certificates/1234501/revoke -d '{"reason":"keyCompromise"}'  the CA revokes the newest leaf; the order stays as it is
  curl -X POST C/certificates/1234501/reset                 support hands a refused order in again
  curl -X POST C/certificates/1234501/pay                   pay an order that is unpaid or in the basket
  curl -X POST C/domains/example.com/prove                  prove it in every running order
  curl C/revocations                                        what the CA has revoked
  curl C/revocations -d '{"serial":"1f2e","reason":"superseded"}'  revoke any leaf by its serial number in hexadecimal
  curl C/crl                                                addresses of the CRLs, their fault, requests by path
  curl C/crl/fault -d '{"kind":"old"}'                      spoil all CRLs;  -X DELETE ends it
  curl -X DELETE C/crl/requests                             forget the requests
  curl C/charges                                            what was paid
  curl C/requests?command=certificate.order.param           log of requests, secrets redacted; "leaks" names secrets that
                                                            a request must not contain (private key, password, authinfo in a query)
  curl C/counters                                           number of requests by function, "FUNCTION sok" for submits
  curl -X DELETE C/requests                                 empty the log and the counters
  curl C/faults                                             active faults
  curl C/faults -d '{"command":"certificate.order.param","submit":true,"kind":"drop_after","times":1}'   add one; answers its id
  curl -X DELETE C/faults                                   clear all;  C/faults/3 clears one
  curl -X POST C/appear                                     execute the requests that a vanish fault held back
  curl C/accounts                                           accounts (passwords hidden)
  curl C/accounts -d '{"user":"alice@example.test","password":"a-password-of-twenty-letters","balance":"50.00","allow_delete":true}'
  curl -X PATCH C/accounts/reseller@example.test -d '{"balance":"0.00"}'   change one: password, level (16 client,
                                                            29 administrator), balance, currency, allow_delete, two_factor,
                                                            allowed_ips, filter
  curl C/settings                                           settings in force
  curl -X PATCH C/settings -d '{"expires":"leaf","functions":{"download":"certificate.download"}}'  change some
  curl C/ca/root.pem                                        root of the CA;  C/ca/intermediate.pem

Faults: command (a func, "" = every one), submit (true: only with sok=ok, false: only without), kind, times (0 = until
cleared), skip (let so many pass first), delay ("1500ms", with any kind), commit (true: execute the request first).
  delay        wait, then execute and answer; with "commit":true execute, wait, answer
  hang         no answer as long as the client waits
  drop_before  close the connection, nothing executed       drop_after  execute, then close the connection
  http500 http502 html waf redirect   such an answer; nothing executed unless "commit":true
  error        error document with "type", "object" and "text"     ok  <ok> with "text" and nothing else
  body         "text" as it is, text/xml with status 200; nothing executed unless "commit":true
  truncate huge   execute, damage the answer
  vanish       close the connection; executed only by POST /appear

Reasons of revocations: unspecified (the default) keyCompromise cACompromise affiliationChanged superseded cessationOfOperation
certificateHold removeFromCRL (ends a hold) privilegeWithdrawn aACompromise.

Faults of CRLs: kind, times (0 = until deleted). Lists: old future huge (right, 11 MiB); false ones, with the serial numbers of
"revoked":["1f2e"] alone: forged wrong_issuer wrong_key_id wrong_point delta indirect critical. Other answers: garbage truncated
pem empty error (503) redirect (to "location"). Connections: unreachable broken_off slow (an octet each "delay":"1s") hang.

Settings (first value is the default):
  products            [{"id":3033,"name":…,"intname":…,"level":"dv|ov|ev","prices":{"12":"9.00"},"wildcard":…,"max_names":…,
                      "free_names":…,"name_price":…,"inactive":…,"hide_in_order":…}]
  manager_path        true|false   also served at /manager/billmgr
  echo_secrets        true|false   tparams repeat authinfo, auth, password and key
  metadata            always|devel   toolbars and forms with out=xml too, or with out=devel alone
  captcha             false|true   func=auth wants one
  max_page_size       100   past_end  last|empty   what a page behind the last one shows
  ignore_sort         false|true   the list is sorted by id, whatever p_col says
  functions           {"csr","contacts","organization","param","reissue","download","delete","resend_dns","resend_email",
                      "approver"}: the names of these functions; "" = not there
  field_names         {"approver_method":"dcv_method"}: other names of form fields, numbered ones without the number
  extra_fields        [{"function":"certificate.order.param","name":"agree","required":true,"options":["on"],"value":""}]
  existing_key        exists   key of crt_type for a CSR of the customer's own
  methods             ["auth_email","auth_dnscname","auth_dnstxt","auth_http"]   keys of approver_method
  wizard_next         form|redirect|nested   how a submitted step leads on
  contacts_step organization_step reissue_step   false|true   steps of their own
  country_prompt      false|true   country selects begin with the key "null", which is no country
  pricelist_shape     both|old|v2
  order_answer        id|nested_id|none   where an order's answer has its id
  funds               error|payment_url|unpaid   an order above the balance     funds_error_type  low_balance
  status_form         orig|digit|key|real_status   how the list writes item_status
  service_status_in_list service_status_in_edit  true|false     hide_remoteid hide_challenges  false|true
  deleted_days        7   deleted services stay in the list     expire_phrase  false|true
  delete_needs_sok    false|true
  certificate_in      edit|download|both     certificate_form  leaf|chain|bundle|zip|base64zip
  extra_pem           ""   delivered behind the certificate     cut_leaf  false|true   a line of the leaf's PEM is missing
  balance_text        ""   what stands in place of the balance's number, such as "500,00"
  download_list       false|true   the download is a list of files, each got with certificate.file.edit
  download_document   false|true   crt of a document, not a raw body
  expires             term|leaf    what expiredate means
  leaf_days           0 = CA/B Forum limit of the day less leaf_margin_days (1): 199, 99, 46
  not_before          midnight|instant   within_term  true|false   a leaf never outlives the paid term
  term_offset_days    0   moves the end of the paid term       add_www  true|false
  auto_issue_seconds  -1 = wait for the control, N = issued N seconds (of the stand-in's clock) after the order
  look_every_seconds  14400 = with --internet the CA looks at the challenges this often, beside the looks at the submission
                      and when it is asked; 0 = only then     issue_delay_seconds  0   issued this long after they were seen,
                      if they still stand     new_values_when_asked  false|true   another look gives new values
  reuse_validation    false|true   recent validations are reused    vetting  true|false   OV and EV wait for vet
  open_at_order       false|true   item_status 2 before anything is issued
  own_reissue_days    -1 = never, N = the remote reissues by itself N days before a leaf ends inside the term
  refused_domains     ["bad.example"]: the CA refuses them
`
