package ispmgr

import (
	"bytes"
	"net/http"
	"strings"
)

const htmlType = "text/html; charset=UTF-8"

// damage returns the fault's answer in place of the good one.
func (f Fault) damage(good reply) reply {
	switch f.Kind {
	case FaultHTTP500:
		return plainReply("Internal Server Error")
	case FaultHTTP502:
		return htmlReply(http.StatusBadGateway, "502 Bad Gateway")
	case FaultHTML:
		return htmlReply(http.StatusOK, "Authorization")
	case FaultWAF:
		return htmlReply(http.StatusForbidden, "Just a moment...")
	case FaultRedirect:
		return htmlReply(http.StatusFound, "Found")
	case FaultError:
		p := &Problem{Type: f.Type, Object: f.Object, Text: f.Text}
		return xmlReply(node("doc", p.element("en", nil, f.Command)), p)
	case FaultOK:
		return xmlReply(node("doc", textNode("ok", f.Text)).with("func", f.Command), nil)
	case FaultBody:
		return reply{Status: http.StatusOK, ContentType: "text/xml; charset=UTF-8", Body: []byte(f.Text)}
	case FaultHuge:
		good.Body = huge(good.Body)
	}
	return good
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
	return reply{Status: status, ContentType: htmlType, Body: []byte(page)}
}
