package panellog

import (
	"encoding/json"
	"strings"
)

// RedactArgs returns the arguments with *** for secret values: name=value, --name=value and --name followed by its value,
// `--param password --value V` of check_param, and the calls of mgrctl (service.saveparam … name=password value=V, or with
// crypted=on). The argument behind a secret option is always its value. args is not changed.
func RedactArgs(args []string) []string {
	c := callFromArgs(args)
	clean := make([]string, len(args))
	option := "" // the option whose value is the next word
	for i, word := range args {
		switch name, value, ok := strings.Cut(word, "="); {
		case IsSecretField(option), c.named && holdsValue(option):
			clean[i], option = maskValue(word), ""
			continue
		case ok:
			clean[i] = redactText(name) + "=" + redactArg(c, strings.TrimLeft(name, "-"), value)
		default:
			clean[i] = redactValue(word, 0)
		}
		option = optionName(word)
	}
	for i := range clean {
		clean[i] = maskKeys(clean[i])
	}
	return clean
}

// callFromArgs reads all arguments into a call, in any order of name and value.
func callFromArgs(args []string) call {
	var c call
	option := ""
	for _, word := range args {
		if option != "" {
			c.observe(option, word)
		}
		if name, value, ok := strings.Cut(word, "="); ok {
			c.observe(strings.TrimLeft(name, "-"), value)
		}
		option = optionName(word)
	}
	return c
}

// optionName returns the name of an option whose value is the next word; empty if the word is not such an option.
func optionName(word string) string {
	if !strings.HasPrefix(word, "-") || strings.Contains(word, "=") {
		return ""
	}
	return strings.TrimLeft(word, "-")
}

func redactArg(c call, name, value string) string {
	if c.secret(formName(name)) {
		return maskValue(value)
	}
	if strings.Contains(value, "&") && !strings.Contains(value, "<") && !json.Valid([]byte(value)) {
		return redactForm(value, 1)
	}
	return redactValue(value, 0)
}
