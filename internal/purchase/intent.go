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

// IntentWait is the time after a purchase without an answer in which nothing new is bought, whatever the seller's list shows
// (rules BUY-4).
const IntentWait = 10 * time.Minute

// refusedWait is the time between the two readings of the list that must show nothing of a refused purchase before it is
// made again (rules BUY-12).
const refusedWait = time.Minute

// Intent is the item parameter purchase_intent: what is about to be bought, saved before the purchase is sent (rules PARAM-4).
type Intent struct {
	Kind     string    `json:"kind"`
	Time     time.Time `json:"time"`
	Product  string    `json:"product"`
	Years    int       `json:"years,omitempty"`
	Months   int       `json:"months,omitempty"`
	Snapshot int64     `json:"snapshot"`
	Op       int64     `json:"op"`
	// Ends and Becomes are the end of the order before and after a renewal in place (YYYY-MM-DD). They show later whether a
	// renewal without an answer was carried out.
	Ends    string `json:"ends,omitempty"`
	Becomes string `json:"becomes,omitempty"`
	// SANs is the number of further names that are bought, Held the number bought before, Counted the number that the seller
	// showed for the order. Counted shows later whether a purchase of names without an answer was carried out.
	SANs    int `json:"sans,omitempty"`
	Held    int `json:"held,omitempty"`
	Counted int `json:"counted,omitempty"`
	// Again is the number of earlier purchases without a trace. Accepted means that the seller accepted this one.
	Again    int  `json:"again,omitempty"`
	Accepted bool `json:"accepted,omitempty"`
	// Account is the hash of the paying account (seller.AccountHash), At its readable name. Key is the SHA-256 of the CSR's
	// public key, Name its common name (rules BUY-9). An intent that the previous version saved has none of them.
	Account string `json:"account,omitempty"`
	At      string `json:"at,omitempty"`
	Key     string `json:"key,omitempty"`
	Name    string `json:"name,omitempty"`
	// Refused means that an answer said that the purchase was not carried out, but not in the seller's own document. Looked
	// is the time at which a list first showed nothing of it after that (RFC 3339, UTC).
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
	if err != nil { // plain fields only: cannot happen, and an empty intent is refused by ParseIntent
		return ""
	}
	return string(raw)
}

// flexible is a JSON number that may be in quotes.
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

// ParseIntent reads the parameter. A text that is not an intent is fault.Unclear: an administrator has to find out what was
// bought.
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
	if year := wire.Time.UTC().Year(); year < 2000 || year > 9999 { // json.Marshal fails for years above 9999, and the intent would be saved as an empty text
		return fail("its time is impossible")
	}
	return Intent{
		Kind: wire.Kind, Time: wire.Time.UTC(), Product: wire.Product, Years: int(wire.Years), Months: int(wire.Months),
		Snapshot: int64(*wire.Snapshot), Op: int64(wire.Op), Ends: wire.Ends, Becomes: wire.Becomes,
		SANs: int(wire.SANs), Held: int(wire.Held), Counted: int(wire.Counted), Again: int(wire.Again), Accepted: wire.Accepted,
		Account: wire.Account, At: wire.At, Key: wire.Key, Name: wire.Name, Refused: wire.Refused, Looked: wire.Looked,
	}, nil
}

// FreshCertificate is the age below which a certificate is not reissued for an unchanged request: if the panel and the
// module's sweep act on the same day, one reissue is made (rules STORE-6).
const FreshCertificate = 24 * time.Hour
