package command

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/sorting"
	"pmssl/internal/xmldoc"
)

// CheckConnection tests the parameters of the connection form at the seller. The document on stdin has them decrypted
// (docs/reference/billmanager.md §1.4).
func CheckConnection(ctx context.Context, run *item.Run) (*etree.Document, error) {
	params, err := formParams(run)
	if err != nil {
		return nil, err
	}
	theSeller, err := run.Info.Connect(params)
	if err != nil {
		return nil, err
	}
	if err := theSeller.Check(ctx); err != nil {
		return nil, err
	}
	run.Log.ExtInfof("the account %s can be used", theSeller.Account())
	if run.TextOutput() {
		run.Print = fmt.Sprintf("the account %s at %s can be used\n", item.DisplayLine(theSeller.Account(), maxFinding), run.Info.Title)
		return nil, nil
	}
	return xmldoc.New(), nil
}

// formParams returns the parameters in the document that the module declares.
func formParams(run *item.Run) (map[string]string, error) {
	root := run.Doc.Root()
	node := xmldoc.Child(root, "processingmodule")
	if node == nil {
		return nil, fault.Errorf(fault.Input, "processingmodule", "the document on stdin has no element processingmodule")
	}
	params := map[string]string{}
	for _, p := range run.Info.Params {
		if field := xmldoc.Child(node, p.Name); field != nil {
			params[p.Name] = strings.TrimSpace(field.Text())
		}
	}
	for _, p := range run.Info.CustomParams {
		if field := xmldoc.Child(node, p.Name); field != nil {
			params[p.Name] = strings.TrimSpace(field.Text())
		}
	}
	return params, nil
}

// TuneConnection offers this host's IPv4 addresses in the form's address field, public ones first, and sets the defaults of empty
// fields. A value that the administrator has chosen stays, even an address that this host does not have (behind NAT). The panel
// writes an unchecked box as off, so that it is not empty.
func TuneConnection(_ context.Context, run *item.Run) (*etree.Document, error) {
	doc := run.Doc.Copy()
	root := doc.Root()
	for _, p := range run.Info.Params {
		if node := xmldoc.Child(root, p.Name); p.Default != "" && (node == nil || strings.TrimSpace(node.Text()) == "") {
			xmldoc.Set(root, p.Name, p.Default)
		}
	}
	field := run.Info.AddressParam
	if field == "" {
		return doc, nil
	}
	chosen := ""
	if node := xmldoc.Child(root, field); node != nil {
		chosen = strings.TrimSpace(node.Text())
	}
	offered, err := offeredAddresses(run, chosen)
	if err != nil {
		return nil, err
	}
	if chosen == "" && len(offered) > 0 {
		xmldoc.Set(root, field, offered[0])
	}
	dropLists(root, field)
	list := root.CreateElement("slist")
	list.CreateAttr("name", field)
	for _, address := range offered {
		val := list.CreateElement("val")
		val.CreateAttr("key", address)
		val.SetText(address)
	}
	return doc, nil
}

// dropLists removes the lists of the field's choices from the form. It removes all children, from the end, and adds those that
// stay again: removing single ones is slow, because etree renumbers every child after a removed one.
func dropLists(root *etree.Element, field string) {
	var kept []etree.Token
	for i := len(root.Child) - 1; i >= 0; i-- {
		token := root.RemoveChildAt(i)
		if e, is := token.(*etree.Element); !is || e.Tag != "slist" || e.SelectAttrValue("name", "") != field {
			kept = append(kept, token)
		}
	}
	for _, token := range slices.Backward(kept) {
		root.AddChild(token)
	}
}

// offeredAddresses returns this host's IPv4 addresses and the one that is chosen in the form.
func offeredAddresses(run *item.Run, chosen string) ([]string, error) {
	all, err := run.Addresses()
	if err != nil {
		return nil, fault.Errorf(fault.Missed, "addresses", "this host's addresses cannot be read (%w): whatever starts the panel must allow netlink sockets (systemd: RestrictAddressFamilies)", err)
	}
	all = slices.DeleteFunc(slices.Clone(all), func(a netip.Addr) bool { return !a.Is4() || a.IsUnspecified() })
	sorting.Stable(all, func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(addressOrder(a), addressOrder(b)), a.Compare(b))
	})
	var offered []string
	for _, a := range slices.Compact(all) {
		offered = append(offered, a.String())
	}
	if chosen != "" && !slices.Contains(offered, chosen) {
		offered = append([]string{chosen}, offered...)
	}
	return offered, nil
}

// addressOrder returns the rank of an address: public ones first, then private ones (RFC 1918, RFC 6598), link-local, loopback.
func addressOrder(a netip.Addr) int {
	switch {
	case a.IsLoopback():
		return 3
	case a.IsLinkLocalUnicast():
		return 2
	case a.IsPrivate(), netip.MustParsePrefix("100.64.0.0/10").Contains(a):
		return 1
	}
	return 0
}
