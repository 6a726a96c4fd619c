package main

// module is the product's module path; packages are named by their folder below it.
const module = "pmssl"

// sandbox is the folder of the nested module for development. The product does not import it, and it does not import the
// product: a stand-in that shared code with the product would repeat its mistakes.
const sandbox = "internal/sandbox"

// testsOnly lists the packages that tests import and nothing that ships does: the suite that sellers are tested with, the real
// servers that publishers are tested with.
var testsOnly = []string{"internal/seller/sellertest", "internal/publish/publishtest"}

// standardOnly lists the packages that import the standard library and nothing else (docs/architecture.md).
var standardOnly = []string{"internal/cabforum", "internal/itemparam", "internal/plaintext", "internal/filelock", "internal/safexml", "internal/mgrctl", "internal/tlsleaf", "internal/terminal", "internal/parallel", "internal/sorting"}

// allowed maps a package to the packages of this module that it may import besides its own subfolders (docs/architecture.md).
// A package that is missing here is a violation, so that its place is decided when it is added.
var allowed = map[string][]string{
	"cmd": {"internal/app", "internal/seller", "internal/seller/namecheap", "internal/seller/ispmanager"},
	"internal/app": {
		"internal/exchange",
		"internal/publish", "internal/publish/observe", "internal/publish/dnsupdate", "internal/publish/powerdns",
		"internal/publish/webroot", "internal/publish/execute", "internal/publish/ispmgr", "internal/deliver", "internal/deliver/execute", "internal/deliver/ispmgr",
		"etc", "internal/watch", "internal/watch/crl", "internal/command", "internal/item", "internal/seller", "internal/panel", "internal/notify", "internal/panellog",
		"internal/dnscheck", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/plaintext", "internal/safexml", "internal/terminal", "internal/parallel",
	},
	"internal/command": {
		"internal/acceptance", "internal/status", "internal/doctor", "internal/reconcile", "internal/subscription", "internal/plan", "internal/lifecycle", "internal/purchase", "internal/item", "internal/seller",
		"internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/terminal", "internal/parallel", "internal/sorting",
	},
	"internal/status": {
		"internal/subscription", "internal/lifecycle", "internal/purchase", "internal/item", "internal/watch", "internal/seller", "internal/pki",
		"internal/cabforum", "internal/fault", "internal/itemparam", "internal/plaintext", "internal/terminal", "internal/sorting",
	},
	"internal/subscription": {
		"internal/lifecycle", "internal/purchase", "internal/item", "internal/publish", "internal/deliver", "internal/watch", "internal/watch/crl", "internal/seller", "internal/pki",
		"internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/plaintext", "internal/terminal", "internal/parallel", "internal/sorting",
	},
	"internal/lifecycle": {
		"internal/publish", "internal/deliver", "internal/watch/crl", "internal/purchase", "internal/item", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault",
		"internal/itemparam", "internal/xmldoc", "internal/terminal", "internal/sorting",
	},
	"internal/purchase": {
		"internal/item", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/terminal", "internal/parallel",
	},
	"internal/reconcile": {
		"internal/purchase", "internal/item", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/sorting",
	},
	"internal/plan": {
		"internal/item", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/terminal",
	},
	"internal/acceptance": {
		"internal/exchange", "internal/lifecycle", "internal/purchase", "internal/item", "internal/seller", "internal/seller/sellerhttp", "internal/pki", "internal/cabforum",
		"internal/fault", "internal/itemparam", "internal/xmldoc", "internal/plaintext", "internal/filelock", "internal/terminal",
	},
	"internal/doctor": {
		"internal/item", "internal/publish", "internal/deliver", "internal/watch", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault",
		"internal/itemparam", "internal/xmldoc", "internal/plaintext", "internal/dnscheck", "internal/tlsleaf", "internal/terminal", "internal/program", "internal/filelock", "internal/parallel",
	},
	"internal/item": {
		"internal/exchange", "internal/publish", "internal/deliver", "internal/watch", "internal/watch/crl", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/xmldoc", "internal/plaintext", "internal/terminal",
	},
	"internal/panel": {
		"internal/exchange", "internal/item", "internal/publish", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/panellog", "internal/plaintext", "internal/filelock", "internal/safexml", "internal/mgrctl", "internal/sorting",
	},
	"internal/notify": {
		"internal/item", "internal/seller", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/panellog", "internal/plaintext", "internal/filelock",
	},
	"internal/seller":            {"internal/exchange", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam", "internal/panellog", "internal/plaintext"},
	"internal/seller/sellerhttp": {"internal/exchange", "internal/fault", "internal/panellog", "internal/plaintext", "internal/filelock", "internal/safexml", "internal/sorting"},
	"internal/seller/namecheap": {
		"internal/exchange", "internal/seller", "internal/seller/sellerhttp", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam",
		"internal/panellog", "internal/plaintext", "internal/sorting",
	},
	"internal/seller/ispmanager": {
		"internal/exchange", "internal/seller", "internal/seller/sellerhttp", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam",
		"internal/panellog", "internal/plaintext", "internal/sorting",
	},
	"internal/seller/sellertest": {
		"internal/seller", "internal/seller/sellerhttp", "internal/pki", "internal/cabforum", "internal/fault", "internal/itemparam",
		"internal/panellog", "internal/plaintext",
	},
	"internal/deliver":             {"internal/tlsleaf", "internal/publish", "internal/pki", "internal/fault", "internal/plaintext"},
	"internal/deliver/ispmgr":      {"internal/deliver", "internal/ispapi", "internal/publish", "internal/pki", "internal/sorting"},
	"internal/deliver/execute":     {"internal/deliver", "internal/publish", "internal/program", "internal/filelock", "internal/plaintext"},
	"internal/watch/crl":           {"internal/dnscheck", "internal/filelock", "internal/plaintext", "internal/sorting"},
	"internal/program":             {"internal/panellog", "internal/plaintext"},
	"internal/publish":             {"internal/pki", "internal/fault", "internal/plaintext", "internal/filelock", "internal/dnscheck", "internal/panellog", "internal/sorting"},
	"internal/publish/publishtest": {"internal/publish"},
	"internal/publish/observe":     {"internal/publish", "internal/dnscheck", "internal/plaintext"},
	"internal/publish/dnsupdate":   {"internal/publish", "internal/plaintext"},
	"internal/publish/powerdns":    {"internal/publish", "internal/plaintext"},
	"internal/publish/webroot":     {"internal/publish", "internal/filelock", "internal/plaintext"},
	"internal/publish/execute":     {"internal/publish", "internal/program", "internal/plaintext"},
	"internal/publish/ispmgr":      {"internal/publish", "internal/ispapi", "internal/pki"},
	"internal/ispapi":              {"internal/publish", "internal/plaintext", "internal/safexml", "internal/mgrctl"},
	"internal/watch":               {"internal/parallel", "internal/tlsleaf", "internal/pki", "internal/cabforum", "internal/dnscheck", "internal/filelock", "internal/plaintext", "internal/sorting"},
	"internal/pki":                 {"internal/cabforum", "internal/fault", "internal/plaintext"},
	"internal/fault":               {},
	"internal/itemparam":           {},
	"internal/xmldoc":              {},
	"internal/panellog":            {"internal/plaintext", "internal/filelock", "internal/sorting"},
	"internal/cabforum":            {},
	"internal/dnscheck":            {},
	"internal/plaintext":           {},
	"internal/filelock":            {},
	"internal/safexml":             {},
	"internal/tlsleaf":             {},
	"internal/mgrctl":              {},
	"internal/exchange":            {},
	"internal/terminal":            {},
	"internal/parallel":            {},
	"internal/sorting":             {},
	"internal/sandbox":             {},
	"etc":                          {},
	"packaging":                    {},
	"scripts":                      {},
}
