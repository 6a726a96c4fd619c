package namecheap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	// pricesLast is how long prices are cached.
	pricesLast = 24 * time.Hour
	// maxPriceFile is the longest file that is read, in bytes; all products with all terms need far less.
	maxPriceFile = 1 << 20
	// priceFormat is the version of the file's content.
	priceFormat = 1
)

// priceFile is the cache of one account's prices.
type priceFile struct {
	kept sellerhttp.CacheFile
	now  func() time.Time
}

// cachedPrices is the file's content.
type cachedPrices struct {
	Format int           `json:"format"`
	Read   time.Time     `json:"read"`
	Offers []cachedOffer `json:"offers"`
}

type cachedOffer struct {
	Template  string         `json:"template"`
	Prices    []seller.Price `json:"prices"`
	MoreNames []seller.Price `json:"more_names,omitempty"`
}

// read returns the cached prices; none if there is no file or it is older than a day. An error means that the file cannot be
// used. A time in the future was written before the clock was set back, and counts as too old.
func (f priceFile) read() ([]seller.Offer, error) {
	content, err := f.kept.Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept cachedPrices
	if err := json.Unmarshal(content, &kept); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", f.kept.Path, err)
	}
	if kept.Format != priceFormat {
		return nil, nil // another version's file, which will be replaced
	}
	if age := f.now().Sub(kept.Read); age < 0 || age >= pricesLast {
		return nil, nil
	}
	offers, err := kept.offers()
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", f.kept.Path, err)
	}
	return offers, nil
}

// offers returns the file's offers. If one of them cannot be from Namecheap, the whole file is refused.
func (k cachedPrices) offers() ([]seller.Offer, error) {
	var all []seller.Offer
	for _, one := range k.Offers {
		p, found := seller.FindProduct(Products(), one.Template)
		if !found || !p.Orderable() || len(one.Prices) == 0 || len(one.MoreNames) > 0 && !p.MultiDomain {
			return nil, fmt.Errorf("it has the product %q, which cannot be bought", words(one.Template))
		}
		for _, price := range append(one.Prices[:len(one.Prices):len(one.Prices)], one.MoreNames...) {
			if !wholeYears(price.Months) || !pricesAmount(price.Cost) || len(price.Cost.Currency) != 3 {
				return nil, fmt.Errorf("it has a price of %s that is not a price", p.ID)
			}
		}
		all = append(all, seller.Offer{Name: p.Names[0], Product: p, Prices: one.Prices, MoreNames: one.MoreNames})
	}
	return all, nil
}

// pricesAmount reports whether the text of a price is its amount and above zero.
func pricesAmount(m seller.Money) bool {
	amount, ok := seller.ParseAmount(m.Text)
	return ok && amount > 0 && amount == m.Amount
}

// write replaces the file atomically. Only its owner can read it.
func (f priceFile) write(offers []seller.Offer) error {
	kept := cachedPrices{Format: priceFormat, Read: f.now().UTC()}
	for _, o := range offers {
		kept.Offers = append(kept.Offers, cachedOffer{Template: o.Product.ID, Prices: o.Prices, MoreNames: o.MoreNames})
	}
	content, err := json.MarshalIndent(kept, "", " ")
	if err != nil {
		return fmt.Errorf("encoding the prices: %w", err)
	}
	return f.kept.Write(content)
}
