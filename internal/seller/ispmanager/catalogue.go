package ispmanager

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"

	"pmssl/internal/seller"
	"pmssl/internal/seller/sellerhttp"
)

const (
	// catalogueAge is after how long what is kept is read afresh.
	catalogueAge = 24 * time.Hour
	// maxCatalogue bounds the file; an account's products take some ten kilobytes.
	maxCatalogue = 4 << 20
)

// cached is the catalogue's file: the products of each account, by its mark.
type cached map[string]assortment

// assortment is what one account is sold.
type assortment struct {
	Time     time.Time        `json:"time"`
	Products []seller.Product `json:"products"`
}

// Products returns those that the modules of this panel can sell, without asking anybody: what was kept of every account,
// and the table of known names. stateDir and binary are those of Options.
func Products(stateDir, binary string) []seller.Product {
	all, _ := readCache(cataloguePath(stateDir, binary)) // features must not fail for a broken file; the next refresh replaces it
	var products []seller.Product
	for _, ref := range sortedTags(all) {
		products = merge(products, all[ref].Products)
	}
	return merge(products, knownProducts())
}

func sortedTags(all cached) []string {
	var marks []string
	for ref := range all {
		marks = append(marks, ref)
	}
	slices.Sort(marks)
	return marks
}

// Catalogue returns the products of this account and the known names. What was kept is a day old at the most; where it is
// older and cannot be read afresh, that is a warning and the old one serves.
func (c *Client) Catalogue(ctx context.Context) ([]seller.Product, error) {
	all, err := readCache(c.catalogue)
	if err != nil {
		c.log.Warningf("the file %s is begun anew: %v", c.catalogue, err)
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
		c.log.Warningf("the products of %s could not be read afresh, those of %s serve: %v", c.account, own.Time.UTC().Format(time.RFC3339), err)
		return merge(own.Products, knownProducts()), nil
	}
	return nil, err
}

// catalogued returns the products that are known without asking.
func (c *Client) catalogued() []seller.Product {
	all, _ := readCache(c.catalogue)
	return merge(all[seller.AccountHash(c.account)].Products, knownProducts())
}

// Offers returns the tariffs of this account with the prices of all periods, read afresh.
func (c *Client) Offers(ctx context.Context) ([]seller.Offer, error) {
	tariffs, err := c.tariffs(ctx)
	if err != nil {
		return nil, err
	}
	c.keep(tariffs)
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
	return c.keep(tariffs), nil
}

// keep writes the products of the tariffs to the file. A file that cannot be written costs a request more each time.
func (c *Client) keep(tariffs []tariff) []seller.Product {
	var products []seller.Product
	for _, t := range tariffs {
		products = merge(products, []seller.Product{t.product()})
	}
	all, err := readCache(c.catalogue)
	if all == nil || err != nil {
		all = cached{}
	}
	all[seller.AccountHash(c.account)] = assortment{Time: c.now().UTC().Truncate(time.Second), Products: products}
	if c.dry {
		return products
	}
	if err := writeCache(c.catalogue, all); err != nil {
		c.log.Warningf("the products of %s are not kept: %v", c.account, err)
	}
	return products
}

// merge adds products whose template is not there yet; the names of one that is there are joined.
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

// readCache reads the file; nothing if it is absent.
func readCache(path string) (cached, error) {
	content, err := cacheFile(path).Read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all cached
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	for ref, own := range all { // the file may have been changed by hand; features would show what it says
		own.Products = slices.DeleteFunc(own.Products, func(p seller.Product) bool {
			return !plausibleID(p.ID) || len(p.Names) == 0 || p.Level < seller.DV || p.Level > seller.EV || p.Included < 1 || p.MaxNames < p.Included
		})
		all[ref] = own
	}
	return all, nil
}

// writeCache replaces the file.
func writeCache(path string, all cached) error {
	content, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return cacheFile(path).Write(content)
}

func cacheFile(path string) sellerhttp.CacheFile {
	return sellerhttp.CacheFile{Path: path, MaxSize: maxCatalogue}
}
