package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/xmldoc"
)

// SuitableModule returns the processing modules of this binary that can serve the tariff of a new item, in order of preference
// (docs/reference/billmanager.md §1.4).
func SuitableModule(ctx context.Context, run *item.Run) (*etree.Document, error) {
	root := run.Doc.Root()
	node := xmldoc.Child(xmldoc.Child(root, "item"), "pricelist")
	if node == nil {
		return nil, fault.Errorf(fault.Input, "pricelist", "the document on stdin has no element item/pricelist")
	}
	pricelist, err := strconv.ParseInt(strings.TrimSpace(node.Text()), 10, 64)
	if err != nil {
		return nil, fault.Errorf(fault.Value, "pricelist", "the tariff's id %q is not a number", node.Text())
	}
	var skip []int64
	if node := xmldoc.Child(root, "skip_modules"); node != nil {
		skip = item.ParseIDs(strings.ReplaceAll(node.Text(), ",", " "))
	}
	modules, err := run.Panel.SuitableModules(ctx, pricelist)
	if err != nil {
		return nil, err
	}
	doc := xmldoc.New()
	list := doc.Root().CreateElement("modules")
	for _, module := range modules {
		if !slices.Contains(skip, module) {
			list.CreateElement("module").CreateAttr("id", strconv.FormatInt(module, 10))
		}
	}
	return doc, nil
}
