package command

import (
	"context"
	"hash/fnv"
	"strconv"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/seller"
	"pmssl/internal/xmldoc"
)

// tariff is an offer of the seller with the number that the panel uses for it.
type tariff struct {
	seller.Offer
	id int64
}

// ImportPricelist serves the panel's import of tariffs (docs/reference/billmanager.md §11): --subcommand available lists the
// seller's offers, pricelist with --id the prices of one tariff, itemtype the types of items.
func ImportPricelist(ctx context.Context, run *item.Run) (*etree.Document, error) {
	switch run.Args.Subcommand {
	case "available":
		tariffs, err := tariffs(ctx, run)
		if err != nil {
			return nil, err
		}
		return availableTariffs(tariffs), nil
	case "pricelist":
		return tariffDetails(ctx, run)
	case "itemtype":
		doc := xmldoc.New()
		elem := doc.Root().CreateElement("elem")
		xmldoc.AddText(elem, "id", item.ItemtypeCertificate)
		xmldoc.AddText(elem, "name", item.ItemtypeCertificate)
		xmldoc.AddText(elem, "itemtype", item.ItemtypeCertificate)
		return doc, nil
	}
	return nil, fault.Errorf(fault.Value, "subcommand", "--subcommand %q is unknown; use available, pricelist or itemtype", item.Brief(run.Args.Subcommand))
}

// tariffs returns the seller's offers. The panel could not distinguish two offers with the same number, so only the first is
// returned.
func tariffs(ctx context.Context, run *item.Run) ([]tariff, error) {
	theSeller, err := item.Dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.PriceLister)
	if !ok {
		return nil, item.Unsupported(run, "listing prices")
	}
	offers, err := lister.Offers(ctx)
	if err != nil {
		return nil, err
	}
	var all []tariff
	seen := map[int64]string{}
	for _, offer := range offers {
		t := tariff{offer, tariffID(offer)}
		if other, there := seen[t.id]; there {
			run.Log.Warningf("%q and %q have the same number %d: the second one is left out", other, offer.Name, t.id)
			continue
		}
		seen[t.id] = offer.Name
		all = append(all, t)
	}
	return all, nil
}

// tariffID returns the seller's number of the offer. If it has none, the number is computed from the template's id, so that it is
// the same in each run; it lies between 2^30 and 2^31, above the numbers of sellers and within the panel's integers.
func tariffID(offer seller.Offer) int64 {
	if offer.ID > 0 {
		return offer.ID
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(offer.Product.ID)) // a hash does not fail
	return 1<<30 | int64(sum.Sum32()&(1<<30-1))
}

func availableTariffs(tariffs []tariff) *etree.Document {
	doc := xmldoc.New()
	for _, t := range tariffs {
		elem := doc.Root().CreateElement("elem")
		xmldoc.AddText(elem, "id", strconv.FormatInt(t.id, 10))
		for _, field := range []string{"name", "name_en", "name_ru"} { // names of products are not translated
			xmldoc.AddText(elem, field, t.Name)
		}
		xmldoc.AddText(elem, "itemtype", item.ItemtypeCertificate)
	}
	return doc
}

func tariffDetails(ctx context.Context, run *item.Run) (*etree.Document, error) {
	id, err := strconv.ParseInt(run.Args.ID, 10, 64)
	if err != nil || id <= 0 {
		return nil, fault.Errorf(fault.Value, "id", "--subcommand pricelist needs --id with the number of a tariff, not %q", item.Brief(run.Args.ID))
	}
	all, err := tariffs(ctx, run)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.id == id {
			return t.document(), nil
		}
	}
	return nil, fault.Errorf(fault.Missed, "id", "%s offers no tariff %d", run.Info.Title, id)
}

// document returns the tariff in the format of BILLmanager's own pricelist.export (docs/reference/ispmanager.md §3): one element
// price per currency, and in it one element period per term.
func (t tariff) document() *etree.Document {
	doc := xmldoc.New()
	node := doc.Root().CreateElement("pricelist")
	xmldoc.AddText(node, "id", strconv.FormatInt(t.id, 10))
	xmldoc.AddText(node, "name", t.Name)
	xmldoc.AddText(node, "intname", t.Product.ID)
	xmldoc.AddText(node.CreateElement("itemtype_info"), "intname", item.ItemtypeCertificate)
	prices := map[string]*etree.Element{}
	for _, p := range t.Prices {
		price := prices[p.Cost.Currency]
		if price == nil {
			price = node.CreateElement("price")
			price.CreateAttr("currency", p.Cost.Currency)
			prices[p.Cost.Currency] = price
		}
		xmldoc.SetAttributes(price.CreateElement("period"), "cost", p.Cost.Text, "type", "month", "length", p.Months)
	}
	return doc
}
