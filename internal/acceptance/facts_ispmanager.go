package acceptance

// ispmanagerFacts returns the facts about ISPmanager's billing.
func ispmanagerFacts() []Fact {
	facts := append(ispmanagerAccountFacts(), ispmanagerOrderFacts()...)
	facts = append(facts, ispmanagerStatusFacts()...)
	facts = append(facts, ispmanagerLaterFacts()...)
	for i := range facts {
		facts[i].Area = ISPmanager
	}
	return facts
}

// ispmanagerAccountFacts are about the account, the price list and documents in general.
func ispmanagerAccountFacts() []Fact {
	return []Fact{
		{ID: "FACT-I1", Statement: "the API's address accepts whoami with authinfo, and its answer has the balance",
			Source: "docs/reference/ispmanager.md §2, §10, §14", Sure: Inferred,
			IfWrong: "`check_connection` fails with the billing's own words; without a balance two other functions are asked", observe: ispmanagerWhoami},
		{ID: "FACT-I2", Statement: "authinfo is split at the first colon: a password may have one",
			Source: "docs/reference/ispmanager.md §1.2", Sure: Inferred,
			IfWrong: "`invalid_login_or_passwd`: choose a password without a colon",
			ByHand:  "use a password with a colon"},
		{ID: "FACT-I3", Statement: "two-factor authentication stops calls with authinfo, with a document that has only ok",
			Source: "docs/reference/ispmanager.md §1.2", Sure: Inferred,
			IfWrong: "the connection works although it is on, or fails with the billing's own words; `auth` names it where only ok comes",
			ByHand:  "switch it on for the user and press the form's button"},
		{ID: "FACT-I4", Statement: "a redirect of a POST means that the address is wrong",
			Source: "docs/reference/ispmanager.md §1.1", Sure: Inferred,
			IfWrong: "`not_the_seller` with the host to which it leads: enter that address",
			ByHand:  "enter an address that redirects"},
		{ID: "FACT-I5", Statement: "errors about a field have the type value, errors about a duplicate the type exists",
			Source: "docs/reference/ispmanager.md §1.5", Sure: Inferred,
			IfWrong: "`unclear_purchase` instead of `api_error` after a refused order: the list shows that nothing was bought", observe: ispmanagerErrorTypes},
		{ID: "FACT-I6", Statement: "pricelist.export gives the tariffs of certificates with itemtype=certificate",
			Source: "docs/reference/ispmanager.md §3, §14", Sure: Inferred,
			IfWrong: "the module reads the order's own list of tariffs", observe: ispmanagerPricelist},
		{ID: "FACT-I7", Statement: "the billing does not filter lists for a client without being told",
			Source: "docs/reference/ispmanager.md §1.4", Sure: Elsewhere,
			IfWrong: "`api_error`: a filter hides orders; nothing is ordered until it is reset",
			ByHand:  "compare `--command probe` with the client area"},
		{ID: "FACT-I8", Statement: "lists come sorted as p_col asks, also for clients",
			Source: "docs/reference/ispmanager.md §1.4", Sure: Unknown,
			IfWrong: "nothing: the module checks the order of the rows, and reads the list twice", observe: ispmanagerSorted},
		{ID: "FACT-I9", Statement: "the list of certificates shows its toolbar in the format xml",
			Source: "docs/reference/ispmanager.md §5", Sure: Elsewhere,
			IfWrong: "the module asks in the format devel; without a toolbar it tries the likely names", observe: ispmanagerToolbar},
		{ID: "FACT-I10", Statement: "allowdeleteitem of whoami says whether this user may delete orders",
			Source: "docs/reference/ispmanager.md §2", Sure: Inferred,
			IfWrong: "nothing: `close` asks all the same, and a refusal becomes a task", observe: ispmanagerAllowDelete},
	}
}

// ispmanagerOrderFacts are about the order.
func ispmanagerOrderFacts() []Fact {
	return []Fact{
		{ID: "FACT-I11", Statement: "certificate.order.csr has a choice of crt_type for the client's own CSR",
			Source: "docs/reference/ispmanager.md §4.2", Sure: Inferred,
			IfWrong: "`api_error` that names the field and its choices; nothing is ordered", observe: ispmanagerOwnCSR},
		{ID: "FACT-I12", Statement: "the select of countries has the ids of a new BILLmanager (182 is Russia)",
			Source: "docs/reference/ispmanager.md §4.1", Sure: Inferred,
			IfWrong: "nothing: the module takes the key beside the country's flag; without flags `api_error`, nothing is ordered", observe: ispmanagerCountries},
		{ID: "FACT-I13", Statement: "the order ends in certificate.order.param, which has a field approver_method",
			Source: "docs/reference/ispmanager.md §4.4, §14", Sure: Inferred,
			IfWrong: "`api_error` that names the field; nothing is ordered", observe: ispmanagerMethodField},
		{ID: "FACT-I14", Statement: "approver_method offers a method for DNS (auth_dnstxt, auth_dnscname) or for a file (auth_http, auth_https)",
			Source: "docs/reference/ispmanager.md §4.4", Sure: Inferred,
			IfWrong: "`api_error` that names the choices; nothing is ordered: the client chooses e-mail", observe: ispmanagerMethods},
		{ID: "FACT-I15", Statement: "the approvers of further names are approver_email_2 and so on",
			Source: "docs/reference/ispmanager.md §4.1", Sure: Inferred,
			IfWrong: "`api_error` in the billing's words, or the further names are approved by nobody: choose DNS",
			ByHand:  "order several names with validation by e-mail"},
		{ID: "FACT-I16", Statement: "the country of an organisation (org_country) is a number like field_country",
			Source: "docs/reference/ispmanager.md §4.3", Sure: Inferred,
			IfWrong: "nothing: the module takes what the select offers; else `api_error`, nothing is ordered", observe: ispmanagerOrgCountry},
		{ID: "FACT-I17", Statement: "an order with the client's own CSR goes through with the fields of the billing's forms",
			Source: "docs/reference/ispmanager.md §4.2", Sure: Unknown,
			IfWrong: "`api_error` with function, field and choices; nothing is ordered", observe: ispmanagerOrdered},
		{ID: "FACT-I18", Statement: "the answer to the order has the id of the certificate",
			Source: "docs/reference/ispmanager.md §4.5", Sure: Elsewhere,
			IfWrong: "nothing: the module finds the order in the list by its reference", observe: ispmanagerOrderID},
		{ID: "FACT-I19", Statement: "an order that the balance does not cover is refused, or left in the basket or unpaid",
			Source: "docs/reference/ispmanager.md §1.5, §4.5", Sure: Unknown,
			IfWrong: "`unclear_purchase` until the list is clear; the module removes what it finds",
			ByHand:  "order with an empty balance"},
		{ID: "FACT-I20", Statement: "a second order with the same remoteid is not refused",
			Source: "docs/reference/ispmanager.md §4.6", Sure: Inferred,
			IfWrong: "nothing: the module never sends one",
			ByHand:  "not needed"},
	}
}

// ispmanagerStatusFacts are about what the billing shows of an order.
func ispmanagerStatusFacts() []Fact {
	return []Fact{
		{ID: "FACT-I21", Statement: "the list of certificates shows remoteid, the module's reference",
			Source: "docs/reference/ispmanager.md §14, docs/ispmanager.md", Sure: Elsewhere,
			IfWrong: "a lost order is found by name and date; if two fit, an administrator decides (`resolve`)", observe: ispmanagerRemoteID},
		{ID: "FACT-I22", Statement: "the list of certificates shows service_status",
			Source: "docs/reference/ispmanager.md §5", Sure: Unknown,
			IfWrong: "nothing: each order is read by itself, with more calls", observe: ispmanagerServiceInList},
		{ID: "FACT-I23", Statement: "certificate.edit shows service_status",
			Source: "docs/reference/ispmanager.md §5", Sure: Unknown,
			IfWrong: "nothing: a certificate of the item's key counts, not the status", observe: ispmanagerServiceInEdit},
		{ID: "FACT-I24", Statement: "certificate.edit shows the CSR of the newest request",
			Source: "docs/reference/ispmanager.md §5", Sure: Inferred,
			IfWrong: "nothing for orders; an imported item needs a CSR from its client (rules IMPORT-3)", observe: ispmanagerCSREcho},
		{ID: "FACT-I25", Statement: "certificate.edit shows the issued certificate (crt)",
			Source: "docs/reference/ispmanager.md §5, §14", Sure: Inferred,
			IfWrong: "the module gets it as a file", observe: ispmanagerCertificateInEdit},
		{ID: "FACT-I26", Statement: "the certificate comes with its chain",
			Source: "docs/reference/ispmanager.md §5, §14", Sure: Inferred,
			IfWrong: "the stored chain is short, with a warning in the log: add the CA's certificate on the server", observe: ispmanagerChain},
		{ID: "FACT-I27", Statement: "certificate.edit shows what to publish as METHOD_value (auth_dnstxt_value and so on)",
			Source: "docs/reference/ispmanager.md §4.4, §6", Sure: Unknown,
			IfWrong: "the item waits without values; the client or you look them up in the client area", observe: ispmanagerChallenges},
		{ID: "FACT-I28", Statement: "certificate.edit has a field autoprolong that switches the billing's own renewal off",
			Source: "docs/reference/ispmanager.md §8", Sure: Inferred,
			IfWrong: "a task asks you to switch it off in the client area: otherwise both sides renew and pay", observe: ispmanagerAutoprolong},
		{ID: "FACT-I29", Statement: "expiredate is the end of the certificate, not of the paid term",
			Source: "docs/reference/ispmanager.md §9", Sure: Unknown,
			IfWrong: "nothing: the module reads the certificate itself; for a renewal only the change counts", observe: ispmanagerExpires},
	}
}

// ispmanagerLaterFacts are about reissue, renewal, close and the names of functions.
func ispmanagerLaterFacts() []Fact {
	return []Fact{
		{ID: "FACT-I30", Statement: "the file of a certificate is got with certificate.file, certificate.download or certificate.crt",
			Source: "docs/reference/ispmanager.md §5, §14", Sure: Inferred,
			IfWrong: "the module takes the only function of the toolbar that speaks of a file; else `wrong_certificate` becomes a task", observe: ispmanagerDownload},
		{ID: "FACT-I31", Statement: "a reissue is certificate.reissue, whose form takes a CSR",
			Source: "docs/reference/ispmanager.md §7, §14", Sure: Inferred,
			IfWrong: "`api_error` that names the functions or the field; nothing is asked for", observe: toolbarHas("certificate.reissue")},
		{ID: "FACT-I32", Statement: "a reissue for the same CSR is accepted and keeps the order's id",
			Source: "docs/reference/ispmanager.md §7, docs/ispmanager.md", Sure: Inferred,
			IfWrong: "`api_error` in the billing's words; if the id changes, the item waits and the order's reference finds the new one", observe: ispmanagerReissue},
		{ID: "FACT-I33", Statement: "the billing does not reissue by itself inside a term",
			Source: "docs/ispmanager.md", Sure: Inferred,
			IfWrong: "nothing: before it asks for a reissue the module reads the present certificate and takes a newer one",
			ByHand:  "wait for the end of a certificate of a term over one year with the policy none"},
		{ID: "FACT-I34", Statement: "service.prolong has a form for certificates, with the ends before and after",
			Source: "docs/reference/ispmanager.md §8", Sure: Inferred,
			IfWrong: "`api_error`: nothing is paid, the renewal becomes a task", observe: ispmanagerProlongForm},
		{ID: "FACT-I35", Statement: "the answer to service.prolong names the new end (newexpiredate)",
			Source: "docs/reference/ispmanager.md §8", Sure: Elsewhere,
			IfWrong: "nothing: the module reads the end again", observe: ispmanagerProlonged},
		{ID: "FACT-I36", Statement: "an order with autoprolong off is not renewed by the billing",
			Source: "docs/reference/ispmanager.md §8", Sure: Inferred,
			IfWrong: "the order is paid twice: look at the account after the first renewal",
			ByHand:  "compare the payments after the end of a term"},
		{ID: "FACT-I37", Statement: "an order is deleted with certificate.delete",
			Source: "docs/reference/ispmanager.md §8, §14", Sure: Inferred,
			IfWrong: "the module takes the only function of the toolbar that speaks of deleting; else `close` ends in a task", observe: toolbarHas("certificate.delete")},
		{ID: "FACT-I38", Statement: "a deleted order leaves the list or has the status 4",
			Source: "docs/reference/ispmanager.md §8", Sure: Inferred,
			IfWrong: "an unpaid order that could not be deleted is named in the error; `close` says what stays", observe: ispmanagerDeleted},
		{ID: "FACT-I39", Statement: "another check of DNS records is certificate.dv.dns",
			Source: "docs/reference/ispmanager.md §6", Sure: Unknown,
			IfWrong: "the module takes the only function of the toolbar that speaks of dns; else `send_dv_dns` says that there is none, and the billing looks by itself", observe: toolbarHas("certificate.dv.dns", "certificate.senddvdns")},
		{ID: "FACT-I40", Statement: "another approval e-mail is certificate.dv.email",
			Source: "docs/reference/ispmanager.md §6", Sure: Unknown,
			IfWrong: "as for DNS: `send_dv_email` says that there is none", observe: toolbarHas("certificate.dv.email", "certificate.senddvemail")},
		{ID: "FACT-I41", Statement: "addresses of approvers come from certificate.approver",
			Source: "docs/reference/ispmanager.md §6", Sure: Unknown,
			IfWrong: "the five addresses of the Baseline Requirements are offered", observe: toolbarHas("certificate.approver")},
		{ID: "FACT-I42", Statement: "the validation method of an order that waits cannot be changed",
			Source: "docs/reference/ispmanager.md §6", Sure: Unknown,
			IfWrong: "nothing: the module does not change it",
			ByHand:  "look in the client area for a way to change it"},
		{ID: "FACT-I43", Statement: "certificate.filter and basket can be called for orders of certificates",
			Source: "docs/ispmanager.md", Sure: Elsewhere,
			IfWrong: "nothing for an order that is paid; one above the balance ends in `unclear_purchase`", observe: ispmanagerHelpers},
		{ID: "FACT-I44", Statement: "the price list names the template of a tariff (intname)",
			Source: "docs/reference/ispmanager.md §3", Sure: Unknown,
			IfWrong: "the template is made of the tariff's name; `probe` shows it, and an order for another one is refused", observe: ispmanagerTemplates},
	}
}
