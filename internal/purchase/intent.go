package purchase

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
)

// IntentWait is how long after a purchase without answer nothing new is bought, however empty the seller's list is
// (rules BUY-4).
const IntentWait = 10 * time.Minute

// refusedWait is how long after a reading of the list that shows nothing of a refused purchase a second one may free the
// way (rules BUY-12).
const refusedWait = time.Minute

// Intent is the item parameter purchase_intent: what was about to be bought, saved before the seller is asked
// (rules PARAM-4).
type Intent struct {
	Kind     string    `json:"kind"`
	Time     time.Time `json:"time"`
	Product  string    `json:"product"`
	Years    int       `json:"years,omitempty"`
	Months   int       `json:"months,omitempty"`
	Snapshot int64     `json:"snapshot"`
	Op       int64     `json:"op"`
	// Ends and Becomes are the end of the order before and after a renewal in place (YYYY-MM-DD): by them a renewal without
	// answer is recognised as carried out or not.
	Ends    string `json:"ends,omitempty"`
	Becomes string `json:"becomes,omitempty"`
	// SANs is how many further names are bought, Held how many were before, Counted how many the seller said that the order
	// holds: by that count a purchase of names without answer is recognised as carried out or not.
	SANs    int `json:"sans,omitempty"`
	Held    int `json:"held,omitempty"`
	Counted int `json:"counted,omitempty"`
	// Again is how many purchases without a trace came before this one; Accepted says that the seller took it.
	Again    int  `json:"again,omitempty"`
	Accepted bool `json:"accepted,omitempty"`
	// Account is the mark of the account that pays, At its name for people; Key and Name are the SHA-256 of the CSR's
	// public key and its common name (rules BUY-9). An intent of the version before has none of them.
	Account string `json:"account,omitempty"`
	At      string `json:"at,omitempty"`
	Key     string `json:"key,omitempty"`
	Name    string `json:"name,omitempty"`
	// Refused says that something answered that it was not carried out, not in the seller's own document; Looked is when a
	// list first showed nothing of it since (RFC 3339, UTC).
	Refused bool   `json:"refused,omitempty"`
	Looked  string `json:"looked,omitempty"`
}

// months returns the length of the term that was about to be bought.
func (i Intent) months() int {
	if i.Months > 0 {
		return i.Months
	}
	return i.Years * 12
}

// String returns the JSON that is saved on the item.
func (i Intent) String() string {
	raw, err := json.Marshal(i)
	if err != nil { // plain fields only: cannot happen, and an empty intent is refused by parseIntent
		return ""
	}
	return string(raw)
}

// flexible reads a number that may stand in quotes.
type flexible int64

// UnmarshalJSON accepts 12 and "12".
func (f *flexible) UnmarshalJSON(raw []byte) error {
	number, err := strconv.ParseInt(string(bytes.Trim(raw, `"`)), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not a number", raw)
	}
	*f = flexible(number)
	return nil
}

// ParseIntent reads the parameter. A text that is no intent is Unclear: nobody can tell what was bought, so an
// administrator has to.
func ParseIntent(text string) (Intent, error) {
	var wire struct {
		Kind     string    `json:"kind"`
		Time     time.Time `json:"time"`
		Product  string    `json:"product"`
		Years    flexible  `json:"years"`
		Months   flexible  `json:"months"`
		Snapshot *flexible `json:"snapshot"`
		Op       flexible  `json:"op"`
		Ends     string    `json:"ends"`
		Becomes  string    `json:"becomes"`
		SANs     flexible  `json:"sans"`
		Held     flexible  `json:"held"`
		Counted  flexible  `json:"counted"`
		Again    flexible  `json:"again"`
		Accepted bool      `json:"accepted"`
		Account  string    `json:"account"`
		At       string    `json:"at"`
		Key      string    `json:"key"`
		Name     string    `json:"name"`
		Refused  bool      `json:"refused"`
		Looked   string    `json:"looked"`
	}
	fail := func(why string) (Intent, error) {
		return Intent{}, fault.Errorf(fault.Unclear, itemparam.Intent,
			"the item's purchase intent cannot be read (%s): look the purchase up at the seller, then run --command resolve", why)
	}
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return fail(err.Error())
	}
	if wire.Kind == "" || wire.Time.IsZero() || wire.Snapshot == nil {
		return fail("kind, time or snapshot is missing")
	}
	if year := wire.Time.UTC().Year(); year < 2000 || year > 9999 { // it could not be written back, and an empty parameter is no intent
		return fail("its time is impossible")
	}
	return Intent{
		Kind: wire.Kind, Time: wire.Time.UTC(), Product: wire.Product, Years: int(wire.Years), Months: int(wire.Months),
		Snapshot: int64(*wire.Snapshot), Op: int64(wire.Op), Ends: wire.Ends, Becomes: wire.Becomes,
		SANs: int(wire.SANs), Held: int(wire.Held), Counted: int(wire.Counted), Again: int(wire.Again), Accepted: wire.Accepted,
		Account: wire.Account, At: wire.At, Key: wire.Key, Name: wire.Name, Refused: wire.Refused, Looked: wire.Looked,
	}, nil
}

// FreshCertificate is how old a certificate must be before it is reissued for an unchanged request: a panel and our own
// sweep that act on the same day make one reissue (rules STORE-6).
const FreshCertificate = 24 * time.Hour
