package acceptance

// Sure says where a fact comes from.
type Sure string

// The sources of facts. What is recorded or verified is no fact of the table: it needs no confirmation.
const (
	Inferred   Sure = "inferred"           // a conclusion that nobody has confirmed
	Unknown    Sure = "unknown"            // no public source says it; the module's choice is a guess or makes no difference
	ClientsDo  Sure = "clients do it"      // programs in production rely on it
	Elsewhere  Sure = "used elsewhere"     // proven for other products of the same system
	Documented Sure = "documented, unseen" // documentation says so, and nobody has published an answer
)

// Area is the system that a fact is about.
type Area string

// The areas, in the order of docs/compatibility.md.
const (
	Namecheap  Area = "Namecheap"
	ISPmanager Area = "ISPmanager's billing"
	Panel      Area = "BILLmanager"
	Authority  Area = "Certification authorities"
	Hosting    Area = "Name servers, web servers, hosting panels"
)

// Verdict is what a run found out about a fact.
type Verdict string

// The verdicts.
const (
	True    Verdict = "true"
	False   Verdict = "false"
	NotSeen Verdict = "not seen"
)

// Fact is something that the module relies on, or chose between, and that nobody has confirmed.
type Fact struct {
	ID        string // FACT- and a letter for the area with a number; it never changes
	Area      Area
	Statement string // true if the module's choice is right
	Source    string // where it is said, and which mark it has there
	Sure      Sure
	IfWrong   string // what happens then: which error, or why nothing does
	ByHand    string // how a person finds it out; empty if an acceptance run does
	// observe returns what the evidence of one run says; nil if a run cannot see it.
	observe func(*Evidence) Observation
}

// Observable reports whether an acceptance run can see the fact.
func (f Fact) Observable() bool { return f.observe != nil }

// Observation is what the evidence of one run says about a fact. Note has no value of the account, the item or the seller.
type Observation struct {
	Verdict Verdict
	Note    string
}

// holds returns true or false.
func holds(is bool) Observation {
	if is {
		return Observation{Verdict: True}
	}
	return Observation{Verdict: False}
}

func notSeen() Observation { return Observation{Verdict: NotSeen} }

// all joins what several answers say: false if one says so, else true if one says so.
func all(observations ...Observation) Observation {
	found := notSeen()
	for _, one := range observations {
		if one.Verdict == False || one.Verdict == True && found.Verdict == NotSeen {
			found = one
		}
		if found.Verdict == False {
			return found
		}
	}
	return found
}

// Facts returns the table of facts.
func Facts() []Fact {
	var table []Fact
	for _, part := range [][]Fact{namecheapFacts(), ispmanagerFacts(), panelFacts(), authorityFacts(), hostingFacts()} {
		table = append(table, part...)
	}
	return table
}
