package ispmanager

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/seller/sellerhttp"
)

func parsed(t *testing.T, body string) answer {
	t.Helper()
	a, err := parseAnswer([]byte(body))
	require.NoError(t, err)
	return a
}

func TestValuesAreNotReadFromTheCopyOfTheRequest(t *testing.T) {
	a := parsed(t, `<doc func="f"><tparams><id>1</id><csr>x</csr></tparams><metadata><id>2</id></metadata><doc><tparams><id>3</id></tparams><newexpiredate>2027-10-01</newexpiredate></doc><ok/></doc>`)
	assert.Empty(t, a.value("id")+a.value("csr"))
	assert.Equal(t, "2027-10-01", a.value("newexpiredate"), "the nested document counts")
	assert.True(t, a.done())
}

func TestOKWithContentIsNotDone(t *testing.T) {
	for text, function := range map[string]string{
		`<ok>func=order</ok>`: "order", `<ok type="url">/mancgi/pay?elid=7</ok>`: "", `<ok>func=payment.add&amp;elid=7</ok>`: "payment.add",
		`<ok>/billmgr?func=x</ok>`: "", `<ok>func=a;b</ok>`: "", `<ok>done</ok>`: "",
	} {
		a := parsed(t, `<doc>`+text+`</doc>`)
		assert.False(t, a.done(), text)
		assert.Equal(t, function, a.redirect(), text)
	}
	assert.False(t, parsed(t, `<doc/>`).done())
	assert.False(t, parsed(t, `<doc><ok/><error type="value"/></doc>`).done())
}

func TestPaymentSigns(t *testing.T) {
	for text, want := range map[string]bool{
		`<ok/>`: false, `<ok>func=certificate.order.param</ok>`: false, `<ok type="url">https://x</ok>`: true, `<ok>/mancgi/x</ok>`: true,
		`<ok>func=payment.add</ok>`: true, `<ok>func=order</ok>`: true, `<ok>func=basket</ok>`: true, `<ok>func=billorder.x</ok>`: true,
	} {
		assert.Equal(t, want, paymentSign(parsed(t, `<doc>`+text+`</doc>`)) != "", text)
	}
	assert.NotEmpty(t, orderSign(parsed(t, `<doc><billorder>7</billorder></doc>`)))
	assert.Empty(t, orderSign(parsed(t, `<doc><billorder/></doc>`)))
}

func TestListsAndFieldsOfAForm(t *testing.T) {
	a := parsed(t, `<doc><c readonly="no"/><slist name="c"><val key="null">-</val><val key="">-</val><val key="21" image="/flag/BY.png">B</val><val key="21">B</val><val>plain</val><msg key="m"/></slist><c>null</c><r readonly="yes">x</r><c/></doc>`)
	assert.Equal(t, []string{"21", "plain", "m"}, realKeys(a.lists["c"]))
	assert.Equal(t, "null", a.fields["c"], "the first value that is there")
	assert.True(t, a.fixed["r"])
	assert.False(t, a.fixed["c"])
}

func TestDocumentsThatAreNotFromBILLmanager(t *testing.T) {
	for _, body := range []string{"hello", "<html/>", "<a/>", "<?xml version='1.0'?><a/>", "{}", "<!-- x --><doc/>"} {
		_, err := parseAnswer([]byte(body))
		var failure *sellerhttp.Error
		require.ErrorAs(t, err, &failure, body)
		assert.Equal(t, sellerhttp.NotSeller, failure.Kind, body)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "<doc/>", `<doc func="a.b"><ok>func=x&amp;y=z</ok><id>7</id></doc>`, `<doc><error type="t" object="o"><param name="value">v</param><msg>m</msg></error></doc>`,
		`<doc><doc><a>1</a><slist name="a"><val key="1"/></slist></doc><ok type="url">/m</ok></doc>`, `<doc><metadata><form><field name="a"><select name="a" required="yes"><if value="1" hide="b"/></select></field></form></metadata><elem><id>1</id></elem></doc>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := parseAnswer(body)
		if err != nil {
			var failure *sellerhttp.Error
			require.True(t, errors.As(err, &failure), "%v", err)
			require.Less(t, len(failure.Text), 700)
			return
		}
		a.maskFailure(func(text string) string { return text })
		require.Less(t, len(a.summary()), 4000)
		require.Equal(t, functionName(a.redirect()), a.redirect())
		if a.done() {
			require.Nil(t, a.failure)
			require.Empty(t, paymentSign(a))
		}
		one := formOf("f", a)
		filled, err := one.fill(func(field) (string, bool, error) { return "", false, nil })
		if err == nil {
			require.Empty(t, filled.Get("key"), "a private key is never sent")
		}
		for _, e := range a.rows {
			rowOf(e)
		}
		exported(a.root)
		ordered(a)
		challengesOf(one, []string{"example.org"})
	})
}
