// Package ispmgr is a stand-in for ISPmanager's own billing, a remote
// BILLmanager, as its client sees it: the functions, the forms, the errors and
// the states of the real one as far as public sources show them, with a
// certification authority that really signs, a clock that can be moved and
// faults that can be injected. Section numbers in parentheses are those of
// docs/reference/ispmanager.md.
//
// It does not share code with the product: it is a second, independent reading
// of the public sources.
//
// # In a Go test
//
//	clock := ispmgr.NewClock(time.Now, "")
//	settings := ispmgr.DefaultSettings()
//	seller, err := ispmgr.New(ispmgr.Config{Clock: clock, Settings: &settings})
//	api := httptest.NewServer(seller)       // API at api.URL + ispmgr.Path
//
// The default account is DefaultUser with DefaultPassword. Control is in
// methods of Server:
//
//   - State, Certificate, Account, Charges: copies of the state
//   - Prove, ProveDomain, Vet, Issue: the authority validates and issues
//   - Refuse, Cancel, Reset, Pay: the authority or the seller's support acts
//   - Revoke, RevokeSerial, Revocations: the authority revokes leaves by itself
//   - Repository: serves the authority's CRLs, as wrong as a test wants them
//   - AddFault, Faults, ClearFaults, Appear: faults
//   - Requests, Counters, ClearRequests: the request log, and secrets that a
//     request should not contain (LogEntry.Leaks)
//   - PutAccount, Settings, SetSettings: customers and behaviour
//   - Clock: Set, Advance, FollowReal
//
// # As a program
//
// cmd/sandbox-ispmgr serves the API and, on an address of its own, the same
// control as JSON over HTTP. It prints
//
//	api http://127.0.0.1:PORT/billmgr
//	control http://127.0.0.1:PORT
//	crl http://127.0.0.1:PORT
//	account user=... password=...
//
// ControlHelp, also --help and GET / of the control address, has the endpoints
// of the control with examples.
//
// # What is inferred
//
// Where the sources leave a question open there is a setting; see Settings.
// Without one: types and objects of refusals that no source shows (a reissue of
// what is not issued, an address that is not allowed), where the steps for
// contacts and organisation stand in the wizard, the fields of
// certificate.filter and of the functions that repeat a validation, the shape of
// the basket's list, and prices.
package ispmgr
