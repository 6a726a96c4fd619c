package ispmgr

import "strconv"

// Problem is an error document (docs/reference/ispmanager.md §1.5).
type Problem struct {
	Type   string `json:"type"`
	Object string `json:"object,omitempty"`
	Value  string `json:"value,omitempty"`
	Text   string `json:"text"` // English
	code   string
	ru     string
	group  bool // has a <group> with __object__ in place of the title of the object
}

func badPassword() *Problem {
	return &Problem{Type: "auth", Object: "badpassword", Text: "Invalid username or password", ru: "Неверное имя пользователя или пароль", code: "1"}
}

func sessionExpired() *Problem {
	return &Problem{Type: "auth", Object: "expired", Text: "The session has expired", ru: "Сессия устарела"}
}

// deniedAddress is the refusal of an address. Its type and object are inferred.
func deniedAddress(source string) *Problem {
	return &Problem{Type: "auth", Object: "badip", Value: source, Text: "Access from this IP denied", ru: "Доступ с этого IP-адреса запрещён"}
}

func noAccess() *Problem {
	return &Problem{Type: "access", Object: "deny", Text: "Insufficient privileges", ru: "Недостаточно прав"}
}

func missed(object, value string) *Problem {
	return &Problem{Type: "missed", Object: object, Value: value, Text: "Object '" + object + "' with value '" + value + "' does not exist",
		ru: "Объект '" + object + "' со значением '" + value + "' не существует", group: true}
}

func badValue(field, value string) *Problem {
	return &Problem{Type: "value", Object: field, Value: shortened(value), Text: "The '" + field + "' field has invalid value",
		ru: "Поле '" + field + "' имеет недопустимое значение", group: true}
}

func wizardUnavailable() *Problem {
	return &Problem{Type: "wizard_unavailable", Text: "The wizard is not available", ru: "Мастер недоступен"}
}

func captchaFailed() *Problem {
	return &Problem{Type: "captcha_verification_failed", Text: "Error passing captcha, try again", ru: "Ошибка прохождения капчи, попробуйте ещё раз"}
}

// lowBalance is the refusal of an order above the balance. The real type is unknown (1.5).
func lowBalance(kind string) *Problem {
	return &Problem{Type: kind, Text: "Insufficient funds on the account", ru: "Недостаточно средств на счёте"}
}

func internalError(err error) *Problem {
	return &Problem{Type: "xml", Object: "internal", Text: "Internal error: " + err.Error(), ru: "Внутренняя ошибка: " + err.Error()}
}

func shortened(value string) string {
	if runes := []rune(value); len(runes) > 64 {
		return string(runes[:10]) + "…"
	}
	return value
}

// element returns the <error> of the document.
func (p *Problem) element(lang string, account *Account, function string) element {
	text, group := p.Text, "The __object__ field or object is wrong"
	if lang == "ru" && p.ru != "" {
		text, group = p.ru, "Неверное значение: __object__"
	}
	level, user := 0, ""
	if account != nil {
		level, user = account.Level, account.User
	}
	e := node("error").with("type", p.Type)
	if p.Object != "" {
		e = e.with("object", p.Object)
	}
	e = e.with("lang", lang)
	if p.code != "" {
		e = e.with("code", p.code)
	}
	object := textNode("param", p.Object).with("name", "object").with("type", "msg")
	if p.group {
		object = object.with("msg", p.Object)
	}
	e = e.plus(object, textNode("param", p.Value).with("name", "value"),
		node("stack", textNode("action", function).with("level", strconv.Itoa(level)).with("user", user)))
	switch {
	case p.group:
		e = e.plus(textNode("group", group))
	case p.code != "":
		e = e.plus(textNode("detail", text))
	}
	return e.plus(textNode("msg", text))
}
