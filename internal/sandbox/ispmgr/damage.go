package ispmgr

import (
	"bytes"
	"net/http"
	"strings"
)

const htmlType = "text/html; charset=UTF-8"

func (f *Fault) location() string {
	if f.Location == "" {
		return "/maintenance.html"
	}
	return f.Location
}

// damage makes the fault's answer out of the good one.
func (f *Fault) damage(good reply) (bad reply, drop bool) {
	switch f.Kind {
	case FaultDropBefore, FaultDropAfter, FaultVanish, FaultHang:
		return reply{problem: good.problem}, true
	case FaultHTTP500:
		return reply{status: http.StatusInternalServerError, contentType: "text/plain; charset=UTF-8", body: []byte("Internal Server Error\n")}, false
	case FaultHTTP502:
		return htmlReply(http.StatusBadGateway, "502 Bad Gateway"), false
	case FaultHTML:
		return htmlReply(http.StatusOK, "Authorization"), false
	case FaultWAF:
		return htmlReply(http.StatusForbidden, "Just a moment..."), false
	case FaultRedirect:
		return htmlReply(http.StatusFound, "Found"), false
	case FaultError:
		p := &Problem{Type: f.Type, Object: f.Object, Text: f.Text}
		return xmlReply(node("doc", p.element("en", nil, f.Command)), p), false
	case FaultOK:
		return xmlReply(node("doc", textNode("ok", f.Text)).with("func", f.Command), nil), false
	case FaultBody:
		return reply{status: http.StatusOK, contentType: "text/xml; charset=UTF-8", body: []byte(f.Text)}, false
	case FaultHuge:
		good.body = huge(good.body)
	}
	return good, false
}

// huge makes the answer longer than 8 MiB without changing what it says.
func huge(body []byte) []byte {
	filler := bytes.Repeat([]byte("<!-- "+strings.Repeat("x", 1015)+" -->\n"), 9<<10)
	end := bytes.LastIndex(body, []byte("</doc>"))
	if end < 0 {
		return append(body, filler...)
	}
	return append(append(bytes.Clone(body[:end]), filler...), body[end:]...)
}

func htmlReply(status int, title string) reply {
	page := "<!DOCTYPE html>\n<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n</body>\n</html>\n"
	return reply{status: status, contentType: htmlType, body: []byte(page)}
}
