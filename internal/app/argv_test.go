package app

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
)

func TestOptionsAsThePanelGivesThem(t *testing.T) {
	for name, c := range map[string]struct {
		words []string
		want  item.Args
	}{
		"value as the next word": {
			[]string{"--command", "open", "--item", "100", "--runningoperation", "7", "--lang", "ru", "--level", "30"},
			item.Args{Command: "open", Item: 100, Operation: 7, Lang: "ru", Level: 30}},
		"value after an equals sign": {
			[]string{"--command=approver", "--module=5", "--intname=positivessl", "--domain=a.example,b.example"},
			item.Args{Command: "approver", Module: 5, Intname: "positivessl", Domain: "a.example,b.example"}},
		"short forms": {
			[]string{"-c", "sync_item", "-i", "3", "-m", "4", "-l", "en", "-t", "certificate", "-a", "9"},
			item.Args{Command: "sync_item", Item: 3, Module: 4, Lang: "en", ItemType: "certificate"}},
		"import": {
			[]string{"--command", "import", "--module", "5", "--itemtype", "certificate", "--searchstring", `a.com\b.com c.com`},
			item.Args{Command: "import", Module: 5, ItemType: "certificate", Search: `a.com\b.com c.com`}},
		"approvers": {
			[]string{"--emails", "a@example.com,b@example.com"}, item.Args{Emails: "a@example.com,b@example.com"}},
		"short forms with the value attached": {
			[]string{"-copen", "-i=3", "-m4"}, item.Args{Command: "open", Item: 3, Module: 4}},
		"pairs more than once": {
			[]string{"--param", "csr", "--value", "one,two", "--param", "domain", "--value", "-"},
			item.Args{Params: []string{"csr", "domain"}, Values: []string{"one,two", "-"}}},
		"a known option takes a value that begins with a dash": {
			[]string{"--domain", "-odd", "--password", "--secret", "--item", "5"}, item.Args{Domain: "-odd", Item: 5}},
		"the last one counts": {
			[]string{"--item", "1", "--item", "2"}, item.Args{Item: 2}},
		"an equals sign within the value": {
			[]string{"--value", "a=b", "--id=x=y"}, item.Args{Values: []string{"a=b"}, ID: "x=y"}},
		"an empty value is an absent one": {
			[]string{"--item", "", "--runningoperation=", "--lang", "", "--level", ""}, item.Args{}},
		"a value with line ends": {
			[]string{"--value", "a\nb"}, item.Args{Values: []string{"a\nb"}}},
		"switches take no value": {
			[]string{"--none", "--yes", "--item", "5"}, item.Args{None: true, Yes: true, Item: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			a := parseArgs(c.words)
			assert.Equal(t, c.want, a.Args)
			assert.Empty(t, a.faults)
			assert.Empty(t, a.ignored)
		})
	}
}

// rules CLI-1: an unknown option takes the next word as its value unless that begins with `-`.
func TestUnknownOptionsAreIgnoredWithTheirValues(t *testing.T) {
	for name, c := range map[string]struct {
		words   []string
		ignored []string
	}{
		"with a value":                    {[]string{"--future", "77", "--item", "5"}, []string{"--future"}},
		"with an attached value":          {[]string{"--future=77", "--item", "5"}, []string{"--future"}},
		"without a value":                 {[]string{"--future", "--item", "5"}, []string{"--future"}},
		"at the end":                      {[]string{"--item", "5", "--future"}, []string{"--future"}},
		"with an empty value":             {[]string{"--future", "", "--item", "5"}, []string{"--future"}},
		"short":                           {[]string{"-x", "77", "--item", "5"}, []string{"-x"}},
		"short, joined":                   {[]string{"-xy", "77", "--item", "5"}, []string{"-x"}},
		"short, attached":                 {[]string{"-x=1", "--item", "5"}, []string{"-x"}},
		"joined switches":                 {[]string{"-hV", "77", "--item", "5"}, []string{"-h"}},
		"its value looks like a word":     {[]string{"--future", "open", "--item", "5"}, []string{"--future"}},
		"stray words":                     {[]string{"stray", "--item", "5", "-", ""}, []string{"stray", "-", ""}},
		"the end of options":              {[]string{"--item", "5", "--", "--item", "6"}, []string{"--", "--item", "6"}},
		"not quite an option":             {[]string{"---item", "--item", "5", "--=3"}, []string{"---item", "--"}},
		"a prefix of a known one":         {[]string{"--ite", "6", "--item", "5"}, []string{"--ite"}},
		"the case counts":                 {[]string{"--ITEM", "6", "--item", "5"}, []string{"--ITEM"}},
		"not ASCII":                       {[]string{"-é", "6", "--item", "5"}, []string{"-é"}},
		"a value that must stay unlogged": {[]string{"--newsecret=s3cr3t", "--item", "5"}, []string{"--newsecret"}},
	} {
		t.Run(name, func(t *testing.T) {
			a := parseArgs(c.words)
			assert.Equal(t, item.Args{Item: 5}, a.Args)
			assert.Equal(t, c.ignored, a.ignored)
			assert.Empty(t, a.faults)
			assert.False(t, a.help)
		})
	}
}

// A newer panel may pass a password in an option that is unknown here.
func TestValuesOfUnknownOptionsAreNotShown(t *testing.T) {
	for _, c := range []struct{ given, shown string }{
		{"--item 5 --future s3cret --lang en", "--item 5 --future *** --lang en"},
		{"--future=s3cret --item=5", "--future=*** --item=5"},
		{"--future --item 5", "--future --item 5"},
		{"-x s3cret -i5", "-x *** -i5"},
		{"-x=s3cret -i=5", "-x=*** -i=5"},
		{"-xs3cret -c open", "-x*** -c open"},
		{"-és3cret", "-é***"},
		{"--future --other s3cret", "--future --other ***"},
	} {
		words := strings.Fields(c.given)
		assert.Equal(t, strings.Fields(c.shown), parseArgs(words).shown)
		assert.Equal(t, strings.Fields(c.given), words, "the arguments themselves are unchanged")
	}
}

func TestBadValuesAreNamedAllAtOnce(t *testing.T) {
	a := parseArgs([]string{"--item", "abc", "--module=-3", "--runningoperation", "1e3", "--level", "high", "--domain"})
	assert.Equal(t, []string{
		"option --domain has no value",
		`--item "abc" is not a positive whole number`,
		`--module "-3" is not a positive whole number`,
		`--runningoperation "1e3" is not a positive whole number`,
		`--level "high" is not a whole number`,
	}, a.faults)
}

func TestNumbersAreDecimalAndBounded(t *testing.T) {
	for _, bad := range []string{"0x10", "+5", " 5", "5 ", "1_000", "5.0", "9223372036854775808", "٥", strings.Repeat("9", 1000)} {
		a := parseArgs([]string{"--item", bad})
		assert.Len(t, a.faults, 1, bad)
		assert.Zero(t, a.Item, bad)
		assert.Less(t, len(a.faults[0]), 200)
	}
	a := parseArgs([]string{"--item", "9223372036854775807"})
	assert.Empty(t, a.faults)
	assert.EqualValues(t, 9223372036854775807, a.Item)
}

func TestASwitchWithNonsenseIsAFault(t *testing.T) {
	a := parseArgs([]string{"--yes=maybe"})
	assert.Len(t, a.faults, 1)
	assert.Contains(t, a.faults[0], "yes")
	assert.False(t, a.Yes)
}

func FuzzArgs(f *testing.F) {
	for _, seed := range []string{
		"--command\x00open\x00--item\x00100", "-c\x00open\x00-i=5\x00--x\x00y", "--", "-\x00--=\x00---", "--param\x00a\x00--value\x00b",
		"--item\x00-5", "-hV\x00-T", "--none\x00--yes=x", "-\xff\x00\xfe", "--item",
		"--dryrun", "--dry_run\x00--itm\x003", "--lang\x00--dry-run", "--item\x003\x00--item\x004", "--runningoperation\x007\x00--dryrun",
		"\u2013dry-run", "--\x00--dry-run", "--subscription\x00--Dry-Run=yes",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Split(line, "\x00")
		a := parseArgs(words)
		if a.Item < 0 || a.Module < 0 || a.Operation < 0 {
			t.Fatalf("negative id from %q", words)
		}
		if len(a.Params)+len(a.Values)+len(a.ignored)+len(a.faults) > 2*len(words) {
			t.Fatalf("%q gave more than went in", words)
		}
		if len(a.suspicious) > 2*len(words) || a.Operation > 0 && len(row{}.suspicious(a)) > 0 {
			t.Fatalf("%q gave the complaints %q", words, a.suspicious)
		}
		for _, name := range a.order {
			if a.flags().Lookup(name) == nil {
				t.Fatalf("%q gave the option %q", words, name)
			}
		}
		// A known option is recognised whatever follows it.
		again := parseArgs(append([]string{"--item=8", "--unheard-of="}, words...))
		if !a.given["item"] && again.Item != 8 {
			t.Fatalf("--item=8 was lost before %q", words)
		}
	})
}
