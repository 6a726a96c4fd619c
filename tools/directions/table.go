package main

// module is the product's module path; rooms are named by their folder below it.
const module = "pmssl"

// sandbox is the development-only nested module: nothing of the product imports it, and it imports nothing of the
// product, so that a stand-in is a second reading of the specification and not a copy of our own mistakes.
const sandbox = "internal/sandbox"

// standardOnly lists the rooms that import the standard library and nothing else (design.md, The rooms).
var standardOnly = []string{"internal/cabforum"}

// allowed is the one way of design.md: room -> rooms that it may import besides its own folders. A room that is not
// here is refused until somebody has thought about its place.
var allowed = map[string][]string{
	"cmd": {
		"internal/app", "internal/command", "internal/cert",
		"internal/seller/namecheap", "internal/seller/ispmanager",
	},
	"internal/app": {
		"internal/command", "internal/cert", "internal/cabforum", "internal/panel", "internal/notify", "internal/panellog",
		"internal/dnscheck",
	},
	"internal/command":    {"internal/cert", "internal/cabforum"},
	"internal/panel":      {"internal/cert", "internal/cabforum", "internal/panellog"},
	"internal/seller/namecheap":  {"internal/cert", "internal/cabforum", "internal/seller/sellerhttp", "internal/panellog"},
	"internal/seller/ispmanager": {"internal/cert", "internal/cabforum", "internal/seller/sellerhttp", "internal/panellog"},
	"internal/seller/sellerhttp": {"internal/cert", "internal/panellog"},
	"internal/cert":       {"internal/cabforum"},
	"internal/notify":     {"internal/cert", "internal/cabforum", "internal/panellog"},
	"internal/panellog":     {},
	"internal/cabforum":   {},
	"internal/dnscheck":   {},
	"internal/sandbox":    {},
	"etc":                 {},
	"scripts":             {},
}
