package panel_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/exchange"
	"pmssl/internal/item"
)

// rules ACCEPT-3: an observer sees how each call of mgrctl ended, and no value of it.
func TestObserverSeesHowCallsEnd(t *testing.T) {
	for name, c := range map[string]struct {
		step step
		want exchange.PanelCall
	}{
		"done":                   {step{Stdout: okAnswer}, exchange.PanelCall{Answered: true}},
		"refused, exit code 0":   {step{Stdout: refusalXML("value", "elid", "42", "no")}, exchange.PanelCall{Answered: true, Refused: true}},
		"refused, exit code 1":   {step{Stdout: refusalXML("value", "elid", "42", "no"), Code: 1}, exchange.PanelCall{ExitCode: 1, Answered: true, Refused: true}},
		"an answer that is none": {step{Stdout: "<html>oops"}, exchange.PanelCall{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t)
			w.behave("service.setstatus", c.step)
			_ = w.SetStatus(t.Context(), 42, item.ServiceRequested) // other tests check the error
			c.want.Function = "service.setstatus"
			assert.Equal(t, []exchange.PanelCall{c.want}, w.observed)
		})
	}
}
