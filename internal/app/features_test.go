package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFeaturesDocument(t *testing.T) {
	s := newFixture(t)
	require.Equal(t, 0, s.run("--command", "features"), s.stdout.String())
	golden(t, "features.xml", s.stdout.String())
	assert.Empty(t, checkFeatures(s.document(t)))
	assert.Empty(t, s.panel.calls)
	assert.Empty(t, s.stderr.String())
}

// checkFeatures returns the differences between a features document and docs/reference/billmanager.md §2.
func checkFeatures(doc *etree.Document) []string {
	var wrong []string
	complain := func(e *etree.Element, text string) { wrong = append(wrong, e.GetPath()+": "+text) }
	root := doc.Root()
	if root.Tag != "doc" || len(root.Attr) > 0 {
		complain(root, "the root is doc without attributes")
	}
	sections := map[string]func(*etree.Element){
		"itemtypes": func(e *etree.Element) { attributes(e, complain, "itemtype", "name") },
		"params": func(e *etree.Element) {
			switch e.Tag {
			case "param":
				attributes(e, complain, "param", "name", "crypted?")
			default:
				attributes(e, complain, "customparam", "name", "unique?", "defval?")
			}
		},
		"features": func(e *etree.Element) {
			attributes(e, complain, "feature", "name")
			if name := e.SelectAttrValue("name", ""); !slices.Contains(documentedCommands(), name) {
				complain(e, name+" is not a command of docs/reference/billmanager.md §1.3")
			}
		},
		"templates": func(e *etree.Element) {
			attributes(e, complain, "template", "id", "name", "wildcard?", "www?", "multidomain?", "multidomain_wildcard?", "idn?",
				"orginfo?", "codesign?", "csraltname?", "authemail?", "authdnstxt?", "authhttp?")
			if e.SelectAttrValue("id", "") != e.SelectAttrValue("name", "") {
				complain(e, "id and name differ")
			}
		},
	}
	var order []string
	for _, section := range root.ChildElements() {
		order = append(order, section.Tag)
		check := sections[section.Tag]
		if check == nil || len(section.Attr) > 0 {
			complain(section, "unknown section or attribute")
			continue
		}
		seen := map[string]bool{}
		for _, e := range section.ChildElements() {
			check(e)
			if name := e.SelectAttrValue("name", ""); name == "" || seen[name] {
				complain(e, "name is empty or stands twice")
			} else {
				seen[name] = true
			}
			if len(e.Child) > 0 {
				complain(e, "has content")
			}
		}
	}
	if !slices.Equal(order, []string{"itemtypes", "params", "features", "templates"}) {
		complain(root, "sections are "+strings.Join(order, " "))
	}
	return wrong
}

// attributes checks the tag and the attributes of an element. An attribute whose name ends with ? is optional.
func attributes(e *etree.Element, complain func(*etree.Element, string), tag string, names ...string) {
	if e.Tag != tag {
		complain(e, "is not a "+tag)
	}
	for _, a := range e.Attr {
		switch {
		case slices.Contains(names, a.Key):
		case a.Key == "defval" && slices.Contains(names, "defval?"):
		case !slices.Contains(names, a.Key+"?"):
			complain(e, "unknown attribute "+a.Key)
		case a.Value != "yes" && a.Value != "no":
			complain(e, a.Key+" is neither yes nor no")
		}
	}
	for _, name := range names {
		if !strings.HasSuffix(name, "?") && e.SelectAttr(name) == nil {
			complain(e, "lacks "+name)
		}
	}
}

// documentedCommands returns the commands of docs/reference/billmanager.md §1.3 that concern certificates.
func documentedCommands() []string {
	return strings.Fields(`features check_connection tune_connection usercreate tuning_param get_suitable_module
		open suspend resume close setparam prolong prolong_addon cancel_prolong reopen sync_item
		stat check_param check_addon gen_key import import_pricelist approver send_dv_dns send_dv_email getbalance`)
}

// checkFeatures must not accept everything.
func TestCheckFeaturesFindsErrors(t *testing.T) {
	good := `<doc><itemtypes><itemtype name="certificate"/></itemtypes><params><param name="p" crypted="yes"/></params>` +
		`<features><feature name="approver"/></features><templates><template id="a" name="a" idn="yes"/></templates></doc>`
	check := func(text string) []string {
		doc, err := parseDocument([]byte(text))
		require.NoError(t, err)
		return checkFeatures(doc)
	}
	require.Empty(t, check(good))
	for old, new := range map[string]string{
		`name="certificate"`: ``, `crypted="yes"`: `crypted="on"`, `<feature name="approver"/>`: `<feature name="fly"/>`,
		` id="a"`: ` id="b"`, `idn="yes"`: `colour="yes"`, `<features>`: `<features x="1">`, `<template id="a"`: `<tariff id="a"`,
		`<param name="p" crypted="yes"/>`: `<param name="p"/><param name="p"/>`, `</templates>`: `</templates><extra/>`,
	} {
		assert.NotEmpty(t, check(strings.Replace(good, old, new, 1)), new)
	}
}
