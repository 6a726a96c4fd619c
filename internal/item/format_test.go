package item_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

func TestTheFormatIsTheOneAskedForElseWhatSuitsStdout(t *testing.T) {
	for _, c := range []struct {
		name     string
		asked    string
		offered  []string
		terminal bool
		want     string
	}{
		{name: "terminal", offered: []string{"text", "xml"}, terminal: true, want: "text"},
		{name: "pipe", offered: []string{"text", "xml"}, want: "xml"},
		{name: "asked for on a terminal", asked: "xml", offered: []string{"text", "xml"}, terminal: true, want: "xml"},
		{name: "asked for in a pipe", asked: "text", offered: []string{"text", "xml"}, want: "text"},
		{name: "no xml in a pipe", offered: []string{"text", "json"}, want: "text"},
		{name: "none offered, pipe", want: "xml"},
		{name: "none offered, terminal", terminal: true, want: "text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := item.ChooseFormat(c.asked, c.offered, c.terminal)
			assert.NoError(t, err)
			assert.Equal(t, c.want, got)
			run := item.Run{Format: got}
			assert.Equal(t, c.want == "text", run.TextOutput())
		})
	}
}

func TestAFormatThatIsNotOfferedIsRefused(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		_, err := item.ChooseFormat("pdf", []string{"text", "xml"}, terminal)
		failure := fault.From(err)
		assert.Equal(t, fault.Value, failure.Type)
		assert.Equal(t, "format", failure.Object)
		assert.Equal(t, `--format "pdf" is none of text, xml`, failure.Message)
	}
}
