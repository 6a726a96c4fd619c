package ispmanager

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	// catalogueAge is how long the cached products are used.
	catalogueAge = 24 * time.Hour
	// maxCatalogue is the longest file, in bytes; an account's products need some ten kilobytes.
	maxCatalogue = 4 << 20
)

// catalogueFile is the content of the catalogue file: the products of each account by seller.AccountHash.
type catalogueFile map[string]accountProducts

// accountProducts are the products that one account can buy.
type accountProducts struct {
	Time     time.Time        `json:"time"`
	Products []seller.Product `json:"products"`
}

// Products returns the products that the modules of this panel can sell: the cached ones of all accounts and
// knownProducts. It sends no request. stateDir and binary are those of Options.
func Products(stateDir, binary string) []seller.Product {
	all, _ := readCache(cataloguePath(stateDir, binary)) // features must not fail for a broken file; the next refresh replaces it
	var products []seller.Product
	for _, hash := range accountHashes(all) {
		products = merge(products, all[hash].Products)
	}
	return merge(products, knownProducts())
}

// accountHashes returns the accounts in the file, sorted.
func accountHashes(all catalogueFile) []string {
	return slices.Sorted(maps.Keys(all))
}

// Catalogue returns the products of this account and knownProducts. Cached products are at most a day old; if older
// ones cannot be read again, it logs a warning and uses them.
func (c *Client) Catalogue(ctx context.Context) ([]seller.Product, error) {
	all, err := readCache(c.catalogue)
	if err != nil {
		c.log.Warningf("the file %s starts empty again: %v", c.catalogue, err)
	}
	own, found := all[seller.AccountHash(c.account)]
	age := c.now().Sub(own.Time)
	if found && age >= 0 && age < catalogueAge {
		return merge(own.Products, knownProducts()), nil
	}
	fresh, err := c.refresh(ctx)
	switch {
	case err == nil:
		return merge(fresh, knownProducts()), nil
	case found:
		c.log.Warningf("the products of %s could not be read; those of %s are used: %v", c.account, own.Time.UTC().Format(time.RFC3339), err)
		return merge(own.Products, knownProducts()), nil
	}
	return nil, err
}

// cachedProducts returns the cached products of this account and knownProducts.
func (c *Client) cachedProducts() []seller.Product {
	all, _ := readCache(c.catalogue)
	return merge(all[seller.AccountHash(c.account)].Products, knownProducts())
}

// Offers reads the tariffs of this account with the prices of all periods.
func (c *Client) Offers(ctx context.Context) ([]seller.Offer, error) {
	tariffs, err := c.tariffs(ctx)
	if err != nil {
		return nil, err
	}
	c.store(tariffs)
	var offers []seller.Offer
	for _, t := range tariffs {
		offers = append(offers, seller.Offer{ID: t.id, Name: t.name, Product: t.product(), Prices: t.prices})
	}
	return offers, nil
}

func (c *Client) refresh(ctx context.Context) ([]seller.Product, error) {
	tariffs, err := c.tariffs(ctx)
	if err != nil {
		return nil, err
	}
	return c.store(tariffs), nil
}

// store writes the products of the tariffs to the file. If it cannot be written, the next process reads the tariffs
// again.
func (c *Client) store(tariffs []tariff) []seller.Product {
	var products []seller.Product
	for _, t := range tariffs {
		products = merge(products, []seller.Product{t.product()})
	}
	all, err := readCache(c.catalogue)
	if all == nil || err != nil {
		all = catalogueFile{}
	}
	all[seller.AccountHash(c.account)] = accountProducts{Time: c.now().UTC().Truncate(time.Second), Products: products}
	if c.dry {
		return products
	}
	if err := writeCache(c.catalogue, all); err != nil {
		c.log.Warningf("the products of %s are not cached: %v", c.account, err)
	}
	return products
}

// merge returns the products of both lists. If both have a template id, the names are joined.
func merge(into, more []seller.Product) []seller.Product {
	merged := slices.Clone(into)
	for _, p := range more {
		at := slices.IndexFunc(merged, func(one seller.Product) bool { return one.ID == p.ID })
		if at < 0 {
			merged = append(merged, p)
			continue
		}
		names := slices.Clone(merged[at].Names)
		for _, name := range p.Names {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		merged[at].Names = names
	}
	return merged
}

// readCache reads the file; it returns nothing if the file is absent.
func readCache(path string) (catalogueFile, error) {
	content, err := cacheFile(path).Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all catalogueFile
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	for hash, own := range all { // features reports these products, and the file may have been changed by hand
		own.Products = slices.DeleteFunc(own.Products, func(p seller.Product) bool {
			return !plausibleID(p.ID) || len(p.Names) == 0 || p.Level < seller.DV || p.Level > seller.EV || p.Included < 1 || p.MaxNames < p.Included
		})
		all[hash] = own
	}
	return all, nil
}

// writeCache replaces the file.
func writeCache(path string, all catalogueFile) error {
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return cacheFile(path).Write(content)
}

func cacheFile(path string) sellerhttp.CacheFile {
	return sellerhttp.CacheFile{Path: path, MaxSize: maxCatalogue}
}
