package ispmgr

import (
	"cmp"
	"encoding/hex"
	"io"
	"strconv"
	"strings"

	"pmssl/internal/sandbox/standin"
)

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// whoami returns the login and its balance (docs/reference/ispmanager.md §2).
func whoami(c *call) answer {
	a := c.account
	level, id := strconv.Itoa(a.Level), strconv.FormatInt(a.ID, 10)
	mayDelete := onOff(a.AllowDelete)
	name, _, _ := strings.Cut(a.User, "@")
	user := node("user").with("realname", name).with("level", level).with("hostname", "").with("lang", c.language()).
		with("name", a.User).with("id", id).with("account", id).with("email", a.User).with("email_verified", "off").with("phone", "").
		with("avatar", "").with("avatar_src", "/manimg/userdata/img/customer.png").with("timezone", "").
		with("need_email_validate", "false").with("need_phone_validate", "false").with("account_regdate", "2024-04-24 10:33:46").
		with("balance", cmp.Or(c.settings.BalanceText, a.Balance.String())).with("currency", a.Currency).with("currency_id", "126").
		with("allowsuspenditem", "off").with("allowdeleteitem", mayDelete).with("ignoreitemmax", "off").with("ignoreabuserate", "off")
	const version = "6.94.1-2014.04.04_09:25"
	return success(user,
		textNode("path", "1").with("name", "admin").with("level", "29"),
		textNode("path", id).with("level", level).with("name", name),
		textNode("mgr", "billmgr").with("version", version).with("dist", "3"),
		node("version", textNode("billmgr", version).with("type", "release"), textNode("core", "5.389.1-2024.04.12_08:22").with("type", "release")).with("mgr", "billmgr"),
		textNode("default_avatar", "/manimg/userdata/img/customer.png"))
}

// balance returns the account's balance with its currency.
func (c *call) balance() string {
	if c.settings.BalanceText != "" {
		return c.settings.BalanceText + " " + c.account.Currency
	}
	return c.money(c.account.Balance)
}

func (c *call) money(amount Money) string { return amount.String() + " " + c.account.Currency }

// localMoney formats an amount in the language of the answer. Clients must not parse it (1.5).
func (c *call) localMoney(amount Money) string {
	if c.language() == "en" {
		return c.money(amount)
	}
	return strings.Replace(amount.String(), ".", ",", 1) + "\u00a0" + c.account.Currency
}

func subaccount(c *call) answer {
	return success(node("elem", textNode("id", "777"), textNode("project", "ispmanager"),
		textNode("balance", c.balance()), textNode("currency_str", c.account.Currency)), textNode("p_elems", "1"))
}

func dashboard(c *call) answer {
	return success(node("elem", textNode("balance", c.balance())))
}

// openSession handles func=auth (1.2).
func (c *call) openSession() answer {
	if c.settings.Captcha {
		return refused(captchaFailed())
	}
	account, problem := c.server.login(c.sent["username"], c.sent["password"], c.source)
	if problem != nil {
		return refused(problem)
	}
	random := make([]byte, 12)
	if _, err := io.ReadFull(c.server.random, random); err != nil {
		return refused(internalError(err))
	}
	id := hex.EncodeToString(random)
	c.server.sessions[id] = standin.AccountName(account.User)
	return success(textNode("auth", id).with("id", id).with("level", strconv.Itoa(account.Level)))
}
