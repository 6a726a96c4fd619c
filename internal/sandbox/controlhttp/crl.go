package controlhttp

import (
	"net/http"

	"pmssl/internal/sandbox/ca"
)

// crlState is what the control says of the CA's lists.
type crlState struct {
	// URLs are those that leaves name; ServedAt is where a program serves their paths on loopback.
	URLs     []string       `json:"urls"`
	ServedAt string         `json:"served_at,omitempty"`
	Fault    ca.Fault       `json:"fault"`
	Kinds    []string       `json:"kinds"`    // of faults
	Requests map[string]int `json:"requests"` // by path
}

func (c control[A, C, G, S, F, L]) crl() crlState {
	r := c.seller.Repository()
	return crlState{URLs: ca.CRLURLs(), ServedAt: r.Base(), Fault: r.Fault(), Kinds: ca.FaultKinds(), Requests: r.Requests()}
}

func (c control[A, C, G, S, F, L]) setCRLFault(r *http.Request) (any, error) {
	var fault ca.Fault
	if err := Read(r, &fault); err != nil {
		return nil, err
	}
	if err := c.seller.Repository().SetFault(fault); err != nil {
		return nil, err
	}
	return c.crl(), nil
}

func (c control[A, C, G, S, F, L]) revocations(*http.Request) (any, error) {
	list, err := c.seller.Revocations()
	return append([]ca.Revocation{}, list...), err
}

func (c control[A, C, G, S, F, L]) revoke(r *http.Request) (any, error) {
	var wanted struct {
		Serial string `json:"serial"`
		Reason string `json:"reason"`
	}
	if err := Read(r, &wanted); err != nil {
		return nil, err
	}
	if err := c.seller.RevokeSerial(wanted.Serial, wanted.Reason); err != nil {
		return nil, err
	}
	return c.revocations(r)
}
