// Package namecheap is a stand-in for the SSL API of Namecheap: the methods,
// the errors, the states and the limits of the real one as far as public
// sources show them, with a certification authority that really signs, a clock
// that can be moved and faults that can be injected. Section numbers in
// parentheses are those of docs/reference/namecheap.md.
//
// It does not share code with the product: it is a second, independent reading
// of the public sources.
//
// # In a Go test
//
//	clock := namecheap.NewClock(time.Now, "")
//	settings := namecheap.DefaultSettings() // 20 calls a minute and so on: on
//	settings.RateLimit.Enabled = false
//	seller, err := namecheap.New(namecheap.Config{Clock: clock, Settings: &settings})
//	api := httptest.NewServer(seller)       // API at api.URL + namecheap.Path
//
// The default account is DefaultUser with DefaultKey; only 127.0.0.1 is on its
// white list. Control is in methods of Server:
//
//   - State, Certificate, Account: copies of the state
//   - Prove, ProveDomain, Vet, Issue: the authority validates and issues
//   - Refuse, Cancel, Reset: the authority or the seller's support acts
//   - Revoke, RevokeSerial, Revocations: the authority revokes leaves by itself
//   - Repository: serves the authority's CRLs, as wrong as a test wants them
//   - AddFault, Faults, ClearFaults, Appear: faults
//   - Requests, Counters, ClearRequests: the request log
//   - PutAccount, Settings, SetSettings: customers and behaviour
//   - Clock: Set, Advance, FollowReal
//
// While the clock is stopped the buckets of the rate limit do not fill.
//
// # As a program
//
// cmd/sandbox-namecheap serves the API and, on an address of its own, the same
// control as JSON over HTTP. It prints
//
//	api http://127.0.0.1:PORT/xml.response
//	control http://127.0.0.1:PORT
//	crl http://127.0.0.1:PORT
//	account user=sandbox key=...
//
// The endpoints of the control, all of them with examples in ControlHelp (also
// --help and GET / of the control address):
//
//	GET    /state                         everything
//	GET    /clock                         POST {"time":…} | {"advance":"10d"} | {"real":true}
//	GET    /certificates[/ID[/leaf.pem]]
//	POST   /certificates/ID/prove         {"domain":"a.example.com"} or nothing for all
//	POST   /certificates/ID/vet|issue|reset
//	POST   /certificates/ID/refuse|cancel {"reason":"…"}
//	POST   /certificates/ID/revoke        {"reason":"keyCompromise"}
//	POST   /domains/DOMAIN/prove
//	GET    /revocations                   POST {"serial":"1f2e","reason":"superseded"}
//	GET    /crl                           DELETE /crl/requests
//	POST   /crl/fault                     {"kind":"old"}; DELETE ends it
//	GET    /charges
//	GET    /requests?command=create       DELETE /requests
//	GET    /counters
//	GET    /faults                        POST {"command":"create","kind":"drop_after","times":1}
//	DELETE /faults[/ID]
//	POST   /appear
//	GET    /accounts                      POST {"user":…,"key":…,"white_list":[…],"balance":"50.00"}
//	PATCH  /accounts/USER                 some of these
//	GET    /settings                      PATCH some of them
//	GET    /ca/root.pem                   GET /ca/intermediate.pem
//
// # What is inferred
//
// Where the sources leave a question open there is a setting; see Settings.
// Without one: the order of the checks inside a method, texts for missing
// parameters that the pages do not list (by the grammar of the codes), the
// empty body of a 405, prices, and what a refused reissue leaves behind.
package namecheap
