package ispmanager

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

func owning(values map[string]string) filler {
	return func(f field) (string, bool, error) {
		value, known := values[f.name]
		return value, known, nil
	}
}

func filledWith(t *testing.T, body string, own map[string]string) (map[string]string, error) {
	t.Helper()
	values, err := formOf("certificate.x", parsed(t, body)).fill(owning(own))
	flat := map[string]string{}
	for name := range values {
		flat[name] = values.Get(name)
	}
	return flat, err
}

func TestOurValuesReplaceTheFormsOwn(t *testing.T) {
	values, err := filledWith(t, `<doc><a>1</a><b>2</b><c/><fixed readonly="yes">f</fixed><key>SECRET</key><password>p</password><sok>ok</sok><skipbasket>on</skipbasket></doc>`,
		map[string]string{"a": "9", "c": "3", "fixed": "x", "elsewhere": "y", "key": "mine"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"a": "9", "b": "2", "c": "3", "fixed": "f"}, values, "neither secrets nor controls nor fields that the form lacks")
}

// A form that is fixed to another tariff, term or CSR would order something else.
func TestFixedFields(t *testing.T) {
	for field, tc := range map[string]struct {
		value, known, want string
		refused            bool
	}{
		"csr": {"OLD", "NEW", "", true}, "period": {"24", "12", "", true}, "crt_type": {"generate", "exists", "", true}, "pricelist": {"7", "8", "", true},
		"CN": {"b.example", "a.example", "b.example", false}, "elid": {"7", "7", "7", false},
	} {
		values, err := filledWith(t, `<doc><`+field+` readonly="yes">`+tc.value+`</`+field+`></doc>`, map[string]string{field: tc.known})
		assert.Equal(t, tc.refused, err != nil, field)
		if !tc.refused {
			assert.Equal(t, tc.want, values[field])
		}
	}
	values, err := filledWith(t, `<doc><csr readonly="yes">A
 B</csr><pricelist readonly="yes">PositiveSSL</pricelist></doc>`, map[string]string{"csr": "A\nB\n", "pricelist": "3033"})
	require.NoError(t, err)
	assert.Equal(t, "3033", values["pricelist"], "shown by its name")
	assert.NotEmpty(t, values["csr"])
	w := vetted()
	_, err = w.method(field{name: "approver_method", value: "auth_email", fixed: true})
	assert.ErrorContains(t, err, "not to the order's validation method")
	_, err = w.method(field{name: "approver_method", value: "auth_dnscname", fixed: true})
	assert.NoError(t, err)
}

func TestSelectsAcceptOfferedKeysOnly(t *testing.T) {
	const list = `<slist name="s"><val key="null">-</val><val key="a">A</val><val key="b">B</val></slist>`
	values, err := filledWith(t, `<doc>`+list+`<s>b</s></doc>`, nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"s": "b"}, values)
	values, err = filledWith(t, `<doc>`+list+`<s>gone</s></doc>`, nil)
	require.NoError(t, err)
	assert.Empty(t, values, "the form's own value is not offered, and no value is asked for")
	_, err = filledWith(t, `<doc>`+list+`<s>b</s></doc>`, map[string]string{"s": "z"})
	failure := fault.From(err)
	assert.Equal(t, fault.API, failure.Type)
	assert.Contains(t, failure.Message, "certificate.x), field s: the value z is not offered; offered are a, b")
}

func TestRequiredFields(t *testing.T) {
	meta := func(inner string) string {
		return `<metadata><form><field name="r"><select name="r" required="yes"/></field>` + inner + `</form></metadata>`
	}
	_, err := filledWith(t, `<doc>`+meta("")+`<r/></doc>`, nil)
	assert.ErrorContains(t, err, "field r: the required field has no value")
	_, err = filledWith(t, `<doc>`+meta("")+`<slist name="r"><val key="null"/><val key="x"/><val key="y"/></slist><r>null</r></doc>`, nil)
	assert.ErrorContains(t, err, "offered are x, y")
	values, err := filledWith(t, `<doc>`+meta("")+`<slist name="r"><val key="null"/><val key="x"/></slist></doc>`, nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"r": "x"}, values, "the only choice")
	values, err = filledWith(t, `<doc>`+meta(`<field name="how"><select name="how"><if value="new" hide="r"/></select></field>`)+`<how>new</how></doc>`, nil)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"how": "new"}, values, "the remote's page would not show the field")
	_, err = filledWith(t, `<doc>`+meta(`<field name="how"><select name="how"><if value="new" hide="r"/></select></field>`)+`<how>old</how></doc>`, nil)
	assert.Error(t, err)
}

func TestCountries(t *testing.T) {
	flags := []choice{{key: "null"}, {key: "5", image: "/manimg/common/flag/DE.png"}, {key: "81", image: "/flag/fr.svg"}}
	for name, tc := range map[string]struct {
		iso   string
		field field
		key   string
		found bool
	}{
		"by flag":                    {"DE", field{list: flags, listed: true}, "5", true},
		"flag in small letters":      {"fr", field{list: flags, listed: true}, "81", true},
		"flags without the country":  {"AF", field{list: append(flags, choice{key: "1", image: "/flag/AD.png"}), listed: true}, "", false},
		"table, offered":             {"RU", field{list: []choice{{key: "182"}}, listed: true}, "182", true},
		"table, not offered":         {"RU", field{list: []choice{{key: "1"}}, listed: true}, "", false},
		"table, no list":             {"US", field{}, "233", true},
		"keys are codes":             {"us", field{list: []choice{{key: "US"}}, listed: true}, "US", true},
		"unknown":                    {"XX", field{}, "", false},
		"UK by its id":               {"UK", field{}, "232", true},
		"EL by its id":               {"el", field{}, "84", true},
		"UK where keys are codes":    {"UK", field{list: []choice{{key: "GB"}}, listed: true}, "GB", true},
		"no code":                    {"Germany", field{}, "", false},
		"the empty entry has a flag": {"DE", field{list: []choice{{key: "null", image: "/flag/DE.png"}}, listed: true}, "", false},
	} {
		key, found := countryKey(tc.iso, tc.field)
		assert.Equal(t, tc.found, found, name)
		if tc.found {
			assert.Equal(t, tc.key, key, name)
		}
	}
	assert.Equal(t, "RU", countryCode("182"))
	assert.Equal(t, "DE", countryCode(" de "))
	assert.Equal(t, "GB", countryCode("uk"))
	assert.Equal(t, "GR", countryCode("EL"))
	assert.Empty(t, countryCode("999")+countryCode("Germany")+countryCode(""))
}

func TestStepsThatPay(t *testing.T) {
	for body, want := range map[string]bool{
		`<doc func="certificate.order.param"><a/></doc>`: true, `<doc func="certificate.order.csr"><a/></doc>`: false,
		`<doc func="certificate.order.last"><skipbasket>on</skipbasket></doc>`:                                                  true,
		`<doc func="certificate.order.last"><slist name="autoprolong"/><autoprolong/></doc>`:                                    true,
		`<doc func="certificate.order.last"><metadata><form><buttons><button name="basket"/></buttons></form></metadata></doc>`: true,
		`<doc func="certificate.order.last"><metadata><form><buttons><button name="next"/></buttons></form></metadata></doc>`:   false,
	} {
		assert.Equal(t, want, formOf("", parsed(t, body)).buys(), body)
	}
}

func TestWizardRefusesOtherFunctions(t *testing.T) {
	j := wizardRun{own: owning(nil), further: func(form) []string { return nil }, carried: pairs("a", "b"), wizard: "certificate.order"}
	_, err := j.enter(context.Background(), formOf("", parsed(t, `<doc func="service.delete"><elid>7</elid></doc>`)))
	assert.ErrorContains(t, err, "not a step of certificate.order")
	_, err = j.enter(context.Background(), formOf("", parsed(t, `<doc func="certificate.order.a"><x>1</x></doc>`)))
	require.NoError(t, err)
	assert.Equal(t, "b", j.carried.Get("a"))
	assert.Equal(t, "1", j.carried.Get("x"))
	_, err = j.enter(context.Background(), formOf("", parsed(t, `<doc func="certificate.order.a"><x>2</x></doc>`)))
	assert.ErrorContains(t, err, "a second time")
	for i := range maxSteps - 1 {
		_, err = j.enter(context.Background(), formOf("", parsed(t, `<doc func="certificate.order.s`+idText(int64(i))+`"><x>2</x></doc>`)))
		require.NoError(t, err)
	}
	_, err = j.enter(context.Background(), formOf("", parsed(t, `<doc func="certificate.order.more"><x>2</x></doc>`)))
	assert.ErrorContains(t, err, "more than 12 steps")
}

func TestWizardOf(t *testing.T) {
	for function, want := range map[string]string{
		"certificate.order.csr": "certificate.order", "certificate.order": "certificate.order", "certificate.reissue.start.csr": "certificate.reissue", "x": "x", "": "",
	} {
		assert.Equal(t, want, wizardOf(function))
	}
}

func TestFunctionsOfTheToolbar(t *testing.T) {
	offered := []tool{{function: "certificate.order", name: "order"}, {function: "certificate.getfile", name: "x"}, {function: "certificate.dv.dns", name: ""}, {function: "certificate.filter", name: ""}, {function: "user.delete", name: "delete"},
		{function: "certificate.remove", name: "delete"}}
	for want, p := range map[string]purpose{"certificate.getfile": downloading(), "certificate.dv.dns": retryingDNS(), "certificate.remove": deleting(), "": reissuing()} {
		name, found := p.pick(offered)
		assert.Equal(t, want, name)
		assert.Equal(t, want != "", found)
	}
	_, found := downloading().pick([]tool{{function: "certificate.file1", name: ""}, {function: "certificate.file2", name: ""}})
	assert.False(t, found, "two that fit are none")
}
