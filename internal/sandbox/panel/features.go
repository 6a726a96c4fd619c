package panel

import (
	"context"
	"encoding/xml"
	"fmt"
	"slices"
)

// featuresDoc is the shape of docs/reference/billmanager.md §2.
type featuresDoc struct {
	XMLName   xml.Name `xml:"doc"`
	ItemTypes []struct {
		Name string `xml:"name,attr"`
	} `xml:"itemtypes>itemtype"`
	Params []struct {
		Name    string `xml:"name,attr"`
		Crypted string `xml:"crypted,attr"`
	} `xml:"params>param"`
	CustomParams []struct {
		Name   string `xml:"name,attr"`
		Unique string `xml:"unique,attr"`
		Defval string `xml:"defval,attr"`
	} `xml:"params>customparam"`
	Features []struct {
		Name string `xml:"name,attr"`
	} `xml:"features>feature"`
	Templates []struct {
		Attrs []xml.Attr `xml:",any,attr"`
	} `xml:"templates>template"`
}

// Features returns the module's features. It starts the module once and caches the answer. A module that fails here is
// unusable: the error says why.
func (p *Panel) Features(ctx context.Context, module string) (*Features, error) {
	p.mu.Lock()
	known := p.features[module]
	p.mu.Unlock()
	if known != nil {
		return known, nil
	}
	run, err := p.Start(ctx, module, nil, "--command", "features")
	if err != nil {
		return nil, err
	}
	if !run.OK() {
		return nil, fmt.Errorf("module %s is unusable: features: %s", module, run.Failure())
	}
	f, err := parseFeatures([]byte(run.Stdout))
	if err != nil {
		return nil, fmt.Errorf("module %s is unusable: features: %w", module, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.features[module] = f
	return f, nil
}

func parseFeatures(text []byte) (*Features, error) {
	var d featuresDoc
	if err := xml.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	f := &Features{}
	for _, t := range d.ItemTypes {
		f.ItemTypes = append(f.ItemTypes, t.Name)
	}
	for _, v := range d.Params {
		f.Params = append(f.Params, Param{Name: v.Name, Crypted: v.Crypted == "yes"})
	}
	for _, v := range d.CustomParams {
		f.CustomParams = append(f.CustomParams, CustomParam{Name: v.Name, Unique: v.Unique == "yes", Default: v.Defval})
	}
	for _, v := range d.Features {
		f.Names = append(f.Names, v.Name)
	}
	for _, v := range d.Templates {
		t := Template{Attributes: map[string]string{}}
		for _, a := range v.Attrs {
			t.Attributes[a.Name.Local] = a.Value
		}
		t.ID = t.Attributes["id"]
		if t.ID == "" {
			t.ID = t.Attributes["name"]
		}
		f.Templates = append(f.Templates, t)
	}
	if len(f.ItemTypes) == 0 {
		return nil, fmt.Errorf("no itemtypes/itemtype in the document")
	}
	return f, nil
}

// Has reports whether the module declares a feature.
func (f *Features) Has(feature string) bool { return slices.Contains(f.Names, feature) }

// Template returns the product with this id.
func (f *Features) Template(id string) (Template, bool) {
	i := slices.IndexFunc(f.Templates, func(t Template) bool { return t.ID == id })
	if i < 0 {
		return Template{}, false
	}
	return f.Templates[i], true
}
