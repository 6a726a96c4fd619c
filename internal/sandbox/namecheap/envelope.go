package namecheap

import (
	"bytes"
	"fmt"
	"strings"
)

// xmlNamespace is the default namespace of every recorded answer
// (docs/reference/namecheap.md §1.5).
const xmlNamespace = "http://api.namecheap.com/xml.response"

// The two visible backends (docs/reference/namecheap.md §1.5): ssl.* answers with a
// container id of 12 hex digits, everything else with a host name.
const (
	serverSSL   = "c82b1dffb0d8"
	serverUsers = "PHX01APIEXT03"
)

// APIError is one Error element of an answer.
type APIError struct {
	Number string `json:"number"`
	Text   string `json:"text"`
}

// answer is the result of a command; envelope puts the document around it.
type answer struct {
	command string // canonical name, empty before the command is known
	errors  []APIError
	result  []element // children of CommandResponse; nil: no CommandResponse
}

func failure(number, text string) answer {
	return answer{errors: []APIError{{number, text}}}
}

func success(result ...element) answer { return answer{result: result} }

// envelope returns the whole document (docs/reference/namecheap.md §1.5 and §1.6).
func (a answer) envelope() []byte {
	status := "OK"
	errors := node("Errors")
	for _, e := range a.errors {
		status = "ERROR"
		errors = errors.plus(textNode("Error", e.Text).with("Number", e.Number))
	}
	server, requested, took := serverUsers, strings.ToLower(a.command), "0"
	if strings.HasPrefix(requested, "namecheap.ssl.") {
		server, requested = serverSSL, a.command
	}
	if a.command != "" {
		took = fmt.Sprintf("%.3f", 0.04)
	}
	root := node("ApiResponse", errors, node("Warnings"), textNode("RequestedCommand", requested)).
		with("Status", status).with("xmlns", xmlNamespace)
	if a.result != nil {
		root = root.plus(node("CommandResponse", a.result...).with("Type", a.command))
	}
	root = root.plus(textNode("Server", server), textNode("GMTTimeDifference", "--5:00"), textNode("ExecutionTime", took))

	var document bytes.Buffer
	document.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	root.write(&document, "")
	return document.Bytes()
}
