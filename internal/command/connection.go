package command

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/xmldoc"
)

// CheckConnection tries the parameters of the wizard's form at the seller. The document on stdin carries them decrypted
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
	return xmldoc.New(), nil
}

// formParams reads the module's parameters out of the document: only those that the module declares.
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

// TuneConnection fills the form's address field with this host's IPv4 addresses, public ones first, and gives empty fields
// their defaults. What the administrator has already chosen stays, even an address that is not one of them (behind NAT);
// the panel writes a box that is not ticked as off.
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
	own := ""
	if node := xmldoc.Child(root, field); node != nil {
		own = strings.TrimSpace(node.Text())
	}
	offered, err := offeredAddresses(run, own)
	if err != nil {
		return nil, err
	}
	if own == "" && len(offered) > 0 {
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

// dropLists takes the lists of the field's choices out of the form. All children are taken off, from the end, and those
// that stay are put back: etree renumbers what stands behind a child that it removes.
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

func offeredAddresses(run *item.Run, own string) ([]string, error) {
	all, err := run.Addresses()
	if err != nil {
		return nil, fault.Errorf(fault.Missed, "addresses", "this host's addresses cannot be read (%w): whatever starts the panel must allow netlink sockets (systemd: RestrictAddressFamilies)", err)
	}
	all = slices.DeleteFunc(slices.Clone(all), func(a netip.Addr) bool { return !a.Is4() || a.IsUnspecified() })
	slices.SortStableFunc(all, func(a, b netip.Addr) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), a.Compare(b))
	})
	var offered []string
	for _, a := range slices.Compact(all) {
		offered = append(offered, a.String())
	}
	if own != "" && !slices.Contains(offered, own) {
		offered = append([]string{own}, offered...)
	}
	return offered, nil
}

// distance orders addresses: public ones, then private ones (RFC 1918, RFC 6598), link-local, loopback.
func distance(a netip.Addr) int {
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
