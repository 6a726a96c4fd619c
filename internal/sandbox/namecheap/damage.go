package namecheap

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// damage returns the fault's answer in place of the good one.
func (f Fault) damage(good reply) reply {
	const html = "text/html; charset=utf-8"
	switch f.Kind {
	case FaultHTTP405:
		return reply{Status: http.StatusMethodNotAllowed, ContentType: "text/html"}
	case FaultHTTP500:
		return plainReply("Internal Server Error")
	case FaultHTTP502:
		return reply{Status: http.StatusBadGateway, ContentType: html, Body: page("502 Bad Gateway")}
	case FaultHTML:
		return reply{Status: http.StatusOK, ContentType: html, Body: page("We'll be back soon!")}
	case FaultRedirect:
		return reply{Status: http.StatusFound, ContentType: html, Body: page("Object moved")}
	case FaultAPIError:
		return xmlReply(failure(f.Number, f.Text))
	case FaultCharset:
		return f.wrongCharset(good)
	case FaultHuge:
		good.Body = huge(good.Body)
	}
	return good
}

func page(title string) []byte {
	return []byte("<html>\n<head><title>" + title + "</title></head>\n<body>\n<h1>" + title + "</h1>\n</body>\n</html>\n")
}

// wrongCharset declares one encoding and sends another: a Latin-1 byte in what
// is said to be UTF-8, or UTF-8 in what is said to be f.Charset.
func (f Fault) wrongCharset(good reply) reply {
	const comment = "<!-- caf%s -->\n</ApiResponse>"
	if f.Charset == "" {
		good.Body = bytes.Replace(good.Body, []byte("</ApiResponse>"), fmt.Appendf(nil, comment, "\xe9"), 1)
		good.Body = bytes.Replace(good.Body, []byte("<Server>"), []byte("<Server>caf\xe9 "), 1)
		return good
	}
	good.ContentType = "text/xml; charset=" + f.Charset
	good.Body = bytes.Replace(good.Body, []byte(`encoding="utf-8"`), []byte(`encoding="`+f.Charset+`"`), 1)
	good.Body = bytes.Replace(good.Body, []byte("<Server>"), []byte("<Server>café "), 1)
	return good
}

// huge makes the answer longer than 8 MiB without changing what it says.
func huge(body []byte) []byte {
	filler := bytes.Repeat([]byte("<!-- "+strings.Repeat("x", 1015)+" -->\n"), 9<<10)
	return bytes.Replace(body, []byte("</ApiResponse>"), append(filler, "</ApiResponse>"...), 1)
}
