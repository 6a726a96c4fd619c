package namecheap

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/panellog"
	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	// balanceLasts is how long the balance that Namecheap has told serves the purchases of this host.
	balanceLasts = time.Hour
	// maxBalanceFile is the longest file that is read, in bytes.
	maxBalanceFile = 4 << 10
	// balanceFormat is the version of the file's content.
	balanceFormat = 1
)

// balanceFile keeps the balance of one account for the processes of this host. What it holds may be wrong, because others spend from
// the account too: it spares a question before a purchase that it covers, and is no reason to refuse one (rules BUY-8).
type balanceFile struct {
	kept sellerhttp.CacheFile
	now  func() time.Time
	log  *panellog.Logger
}

// keptBalance is the file's content.
type keptBalance struct {
	Format   int       `json:"format"`
	Read     time.Time `json:"read"`
	Amount   string    `json:"amount"`
	Currency string    `json:"currency"`
}

// read returns the kept balance and when it was read from Namecheap. It returns false if there is no file, or one that is damaged, of
// another version, an hour old or from the future: a time in the future was written before the clock was set back.
func (f balanceFile) read() (seller.Money, time.Time, bool) {
	content, err := f.kept.Read()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			f.log.Warningf("the kept balance at %s is not used: %v", Title, err)
		}
		return seller.Money{}, time.Time{}, false
	}
	var kept keptBalance
	if err := json.Unmarshal(content, &kept); err != nil {
		f.log.Warningf("the kept balance at %s is not used: %s is damaged: %v", Title, f.kept.Path, err)
		return seller.Money{}, time.Time{}, false
	}
	age := f.now().Sub(kept.Read)
	amount, ok := seller.ParseBalance(kept.Amount)
	if kept.Format != balanceFormat || age < 0 || age >= balanceLasts || !ok || len(kept.Currency) != 3 {
		return seller.Money{}, time.Time{}, false
	}
	return seller.Money{Amount: amount, Text: strings.TrimSpace(kept.Amount), Currency: words(kept.Currency)}, kept.Read, true
}

// write replaces the file. If that fails, the next purchase asks Namecheap.
func (f balanceFile) write(balance seller.Money, read time.Time) {
	content, err := json.Marshal(keptBalance{Format: balanceFormat, Read: read.UTC(), Amount: balance.Text, Currency: balance.Currency})
	if err == nil {
		err = f.kept.Write(content)
	}
	if err != nil {
		f.log.Warningf("the balance at %s is not kept: %v", Title, err)
	}
}

// beginPayment forgets the kept balance before a payment, so that a payment without an answer, or whose run is killed, leaves no
// balance that is too high. The function that it returns keeps what the balance is after the payment of the charged amount, as of the
// time when it was read; it keeps none if the balance was not known, or the amount cannot be read.
func (f balanceFile) beginPayment() (paid func(charged string)) {
	balance, read, known := f.read()
	if err := f.kept.Remove(); err != nil {
		f.log.Warningf("the kept balance at %s is too high after this payment: %v", Title, err)
	}
	return func(charged string) {
		amount, ok := seller.ParseAmount(charged)
		if !known || !ok {
			return
		}
		balance.Amount -= amount
		balance.Text = strconv.FormatFloat(balance.Amount, 'f', 2, 64)
		f.write(balance, read)
	}
}
