package app

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
	"pmssl/internal/panellog"
	"pmssl/internal/publish"
)

// settingsPanel is a panel of which only the options can be read.
type settingsPanel struct {
	panelAPI
	options map[string]string
	broken  error
}

func (p settingsPanel) Setting(_ context.Context, name string) (string, error) {
	return p.options[name], p.broken
}

func publishingWith(p settingsPanel) *publishing {
	return &publishing{panel: &watchedPanel{panelAPI: p}, invocation: &invocation{
		root: "/nowhere", rootLog: panellog.Discard(), log: panellog.Discard(),
		system: System{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("nothing is dialled") }},
	}}
}

func TestModeOfPublishing(t *testing.T) {
	for value, want := range map[string]publish.Mode{"": publish.Off, "off": publish.Off, "dry": publish.Dry, "on": publish.On, "onn": publish.Off} {
		assert.Equal(t, want, publishingWith(settingsPanel{options: map[string]string{publish.SettingMode: value}}).Mode(), value)
	}
}

// rules UNATT-5: a file that cannot be read for a moment is no reason to remove what is published.
func TestUnreadableOptionsPublishAndRemoveNothing(t *testing.T) {
	p := publishingWith(settingsPanel{broken: errors.New("permission denied")})
	assert.Equal(t, publish.On, p.Mode(), "with off the published records would be removed")
	_, err := p.Place(t.Context(), publish.Order{}, []publish.Record{{}})
	require.Error(t, err)
	assert.True(t, fault.From(err).Retry, "it passes by itself")
	assert.ErrorContains(t, err, "permission denied")
	assert.Error(t, p.Publish(t.Context(), publish.Order{}, publish.Placement{}, nil))
	assert.Error(t, p.Withdraw(t.Context(), publish.Order{}, publish.Placement{}))
	assert.False(t, p.Best())
}

func TestNothingIsPublishedWithoutAResolver(t *testing.T) {
	for _, value := range []string{"off", "resolver.example"} {
		p := publishingWith(settingsPanel{options: map[string]string{publish.SettingMode: "on", settingResolver: value}})
		_, err := p.Place(t.Context(), publish.Order{}, []publish.Record{{}})
		assert.ErrorContains(t, err, settingResolver, value)
	}
}
