package sellerhttp

import (
	"bytes"
	"mime"
	"strings"
	"unicode/utf8"

	"pmssl/internal/panellog"
	"pmssl/internal/plaintext"
)

// readable returns the *Error of an answer that is not UTF-8 text; nil if it is. No other character set is converted, because
// a wrong guess would store garbled names.
func readable(answer reply) *Error {
	if page(answer.body) {
		return &Error{Kind: NotSeller, Text: "the answer is an HTML page, not the API's: " + Snippet(answer.body)}
	}
	if _, params, err := mime.ParseMediaType(answer.contentType); err == nil && !utf8Name(params["charset"]) {
		return &Error{Kind: Unreadable, Text: "the answer declares the character set " + plaintext.Clip(params["charset"], 40) + ", UTF-8 is expected"}
	}
	if !utf8.Valid(answer.body) {
		return &Error{Kind: Unreadable, Text: "the answer is not valid UTF-8"}
	}
	return nil
}

func utf8Name(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii":
		return true
	}
	return false
}

// page reports whether the body begins like an HTML page.
func page(body []byte) bool {
	start := strings.ToLower(string(bytes.TrimLeft(body[:min(len(body), 512)], "\ufeff \t\r\n")))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html")
}

// Snippet returns the beginning of an answer for an error text: one printable line, with *** for values that are named like
// secrets, such as a session in a link.
func Snippet(body []byte) string {
	text := plaintext.Clip(plaintext.Line(panellog.RedactText(string(body[:min(len(body), 1024)]))), 120)
	if text == "" {
		return "an empty answer"
	}
	return text
}
