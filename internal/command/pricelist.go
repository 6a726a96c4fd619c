package command

import (
	"context"
	"hash/fnv"
	"strconv"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/seller"
)

// itemtypeCertificate is the panel's name of the type of our items (billmanager-module-protocol §2).
const itemtypeCertificate = "certificate"

// tariff is an offer of the seller under the number by which the panel asks for it.
type tariff struct {
	seller.Offer
	id int64
}

// ImportPricelist serves the panel's import of tariffs (billmanager-module-protocol §11): --subcommand available lists what
// the seller offers, pricelist --id N has the prices of one tariff, itemtype the types of items.
func ImportPricelist(ctx context.Context, run *Run) (*etree.Document, error) {
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
		doc := answer()
		elem := doc.Root().CreateElement("elem")
		addText(elem, "id", itemtypeCertificate)
		addText(elem, "name", itemtypeCertificate)
		addText(elem, "itemtype", itemtypeCertificate)
		return doc, nil
	}
	return nil, fault.Errorf(fault.Value, "subcommand", "--subcommand %q is not known, known are available, pricelist and itemtype", brief(run.Args.Subcommand))
}

// tariffs asks the seller what it offers. Two offers under one number could not be told from each other by the panel:
// only the first is kept.
func tariffs(ctx context.Context, run *Run) ([]tariff, error) {
	theSeller, err := dial(ctx, run, run.Args.Module)
	if err != nil {
		return nil, err
	}
	lister, ok := theSeller.(seller.PriceLister)
	if !ok {
		return nil, unable(run, "lists prices")
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
			run.Log.Warningf("%q and %q have the same number %d: the second is left out", other, offer.Name, t.id)
			continue
		}
		seen[t.id] = offer.Name
		all = append(all, t)
	}
	return all, nil
}

// tariffID is the seller's number of the offer or, where it has none, one made of the template's id: it is the same in
// each run, whatever else is offered. The made ones lie between 2^30 and 2^31, above any number of a seller and within
// the panel's integers.
func tariffID(offer seller.Offer) int64 {
	if offer.ID > 0 {
		return offer.ID
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(offer.Product.ID)) // a hash does not fail
	return 1<<30 | int64(sum.Sum32()&(1<<30-1))
}

func availableTariffs(tariffs []tariff) *etree.Document {
	doc := answer()
	for _, t := range tariffs {
		elem := doc.Root().CreateElement("elem")
		addText(elem, "id", strconv.FormatInt(t.id, 10))
		for _, field := range []string{"name", "name_en", "name_ru"} { // names of products are not translated
			addText(elem, field, t.Name)
		}
		addText(elem, "itemtype", itemtypeCertificate)
	}
	return doc
}

func tariffDetails(ctx context.Context, run *Run) (*etree.Document, error) {
	id, err := strconv.ParseInt(run.Args.ID, 10, 64)
	if err != nil || id <= 0 {
		return nil, fault.Errorf(fault.Value, "id", "--subcommand pricelist wants --id with the number of a tariff, not %q", brief(run.Args.ID))
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

// document is the tariff in the shape of BILLmanager's own pricelist.export (ispmanager-billing-api §3): one price for each
// currency, in it one period for each term.
func (t tariff) document() *etree.Document {
	doc := answer()
	node := doc.Root().CreateElement("pricelist")
	addText(node, "id", strconv.FormatInt(t.id, 10))
	addText(node, "name", t.Name)
	addText(node, "intname", t.Product.ID)
	addText(node.CreateElement("itemtype_info"), "intname", itemtypeCertificate)
	prices := map[string]*etree.Element{}
	for _, p := range t.Prices {
		price := prices[p.Cost.Currency]
		if price == nil {
			price = node.CreateElement("price")
			price.CreateAttr("currency", p.Cost.Currency)
			prices[p.Cost.Currency] = price
		}
		attributes(price.CreateElement("period"), "cost", p.Cost.Text, "type", "month", "length", p.Months)
	}
	return doc
}

// addText adds a child element that holds a text.
func addText(parent *etree.Element, name, text string) { parent.CreateElement(name).SetText(text) }
