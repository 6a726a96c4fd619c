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
		"internal/module", "internal/command", "internal/cert",
		"internal/namecheap", "internal/ispmanager",
	},
	"internal/module": {
		"internal/command", "internal/cert", "internal/cabforum", "internal/panel", "internal/letter", "internal/mgrlog",
		"internal/resolver",
	},
	"internal/command":    {"internal/cert", "internal/cabforum"},
	"internal/panel":      {"internal/cert", "internal/cabforum", "internal/mgrlog"},
	"internal/namecheap":  {"internal/cert", "internal/cabforum", "internal/sellerhttp", "internal/mgrlog"},
	"internal/ispmanager": {"internal/cert", "internal/cabforum", "internal/sellerhttp", "internal/mgrlog"},
	"internal/sellerhttp": {"internal/cert", "internal/mgrlog"},
	"internal/cert":       {"internal/cabforum"},
	"internal/letter":     {"internal/cert", "internal/cabforum", "internal/mgrlog"},
	"internal/mgrlog":     {},
	"internal/cabforum":   {},
	"internal/resolver":   {},
	"internal/sandbox":    {},
	"etc":                 {},
	"scripts":             {},
}
