package provider

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"

	"pmssl/internal/sandbox/panel"
)

// Choices are the values that a module offers for the fields of its connection form.
type Choices struct {
	Options map[string][]Choice // of selects, by the field's name
	Values  map[string]string   // of all fields, as the module has set them
}

// Choice is an entry of a select.
type Choice struct{ Key, Text string }

// Tune asks a module for the choices of its connection form (tune_connection). A module without that feature changes nothing.
func (p *Provider) Tune(ctx context.Context, module string, values map[string]string) (Choices, error) {
	c := Choices{Options: map[string][]Choice{}, Values: maps.Clone(values)}
	features, err := p.Panel.Features(ctx, module)
	if err != nil || !features.Has("tune_connection") {
		return c, err
	}
	run, err := p.Panel.TuneConnection(ctx, module, values)
	if err != nil {
		return c, err
	}
	if !run.OK() {
		return c, fmt.Errorf("tune_connection of %s: %s", module, run.Failure())
	}
	var doc struct {
		Lists []struct {
			Name   string `xml:"name,attr"`
			Values []struct {
				Key  string `xml:"key,attr"`
				Text string `xml:",chardata"`
			} `xml:"val"`
		} `xml:"slist"`
		Fields []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(run.Stdout), &doc); err != nil {
		return c, fmt.Errorf("tune_connection of %s: %w", module, err)
	}
	if c.Values == nil {
		c.Values = map[string]string{}
	}
	for _, field := range doc.Fields {
		if slices.ContainsFunc(features.Params, func(d panel.Param) bool { return d.Name == field.XMLName.Local }) {
			c.Values[field.XMLName.Local] = field.Text
		}
	}
	for _, list := range doc.Lists {
		for _, v := range list.Values {
			c.Options[list.Name] = append(c.Options[list.Name], Choice{v.Key, v.Text})
		}
	}
	return c, nil
}

// Connect submits the connection form of a module. If it is accepted, tariffs for the products of the seller are added.
func (p *Provider) Connect(ctx context.Context, module string, c panel.Connection) (*panel.ConnectResult, error) {
	seller, err := p.Seller(module)
	if err != nil {
		return nil, err
	}
	done, err := p.Panel.Connect(ctx, module, c)
	if err != nil || done.ID == 0 {
		return done, err
	}
	if err := p.RemoveLimits(ctx, seller, done.ID); err != nil {
		return nil, err
	}
	for _, template := range seller.Templates() {
		if err := p.addTariff(ctx, done.ID, module, template); err != nil {
			return nil, err
		}
	}
	_, err = p.Panel.CheckBalances(ctx)
	return done, err
}

// RemoveLimits switches a module's limits of calls off: it would wait for a clock that is stopped.
func (p *Provider) RemoveLimits(ctx context.Context, seller Seller, id int64) error {
	for _, limit := range seller.Limits() {
		if _, err := p.Panel.Mgrctl(ctx, "processing.saveparam", fmt.Sprintf("elid=%d", id), "param="+limit, "value=0"); err != nil {
			return err
		}
	}
	return nil
}

// Names that the tariff of a product for several names includes, and sells at most.
const (
	includedNames = 2
	maxNames      = 20
)

// addTariff adds a tariff for a product, as the administrator does with the panel's import of tariffs.
func (p *Provider) addTariff(ctx context.Context, id int64, module, template string) error {
	features, err := p.Panel.Features(ctx, module)
	if err != nil {
		return err
	}
	product, known := features.Template(template)
	if !known {
		return fmt.Errorf("%s does not offer the product %s", module, template)
	}
	tariff := panel.Tariff{Name: template, IntName: template, Modules: []int64{id}}
	if product.Attributes["multidomain"] == "yes" {
		tariff.SANs = &panel.SANAddon{Included: includedNames, Max: maxNames}
	}
	_, err = p.Panel.AddTariff(ctx, tariff)
	return err
}

// ExtraNames returns how many names a client has to buy beyond those that a tariff for several names includes.
func ExtraNames(count int) int { return max(0, count-includedNames) }
