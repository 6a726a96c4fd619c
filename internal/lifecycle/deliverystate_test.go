package lifecycle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/lifecycle"
)

func TestWhenSomethingIsDueAboutADelivery(t *testing.T) {
	now := time.Date(2026, 10, 8, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		state string
		due   bool
	}{
		"never tried":                      {state: `{"serial":"1","since":"2026-10-08T08:59:00Z"}`, due: true},
		"tried just now":                   {state: `{"serial":"1","since":"2026-10-08T08:00:00Z","tries":1,"last":"2026-10-08T08:58:00Z"}`},
		"tried before the sweep":           {state: `{"serial":"1","since":"2026-10-08T08:00:00Z","tries":1,"last":"2026-10-08T08:50:00Z"}`, due: true},
		"all tries are used up":            {state: `{"serial":"1","since":"2026-10-06T10:00:00Z","tries":6,"last":"2026-10-08T08:00:00Z"}`, due: true},
		"two days are over, nobody knows":  {state: `{"serial":"1","since":"2026-10-06T09:00:00Z","tries":6,"last":"2026-10-08T08:00:00Z"}`, due: true},
		"the client is to be told":         {state: `{"serial":"1","since":"2026-10-06T09:00:00Z","tries":6,"last":"2026-10-08T08:00:00Z","told":true}`, due: true},
		"told, looked at today":            {state: `{"serial":"1","since":"2026-10-06T09:00:00Z","tries":6,"last":"2026-10-08T08:00:00Z","told":true,"mailed":"2026-10-08"}`},
		"told, looked at yesterday":        {state: `{"serial":"1","since":"2026-10-06T09:00:00Z","tries":6,"last":"2026-10-07T09:00:00Z","told":true,"mailed":"2026-10-08"}`, due: true},
		"by hand, and another one is left": {state: `{"serial":"1","since":"2026-10-08T07:00:00Z","tries":1,"last":"2026-10-08T08:00:00Z","targets":[{"block":"a"},{"block":"b"}],"by_hand":["a"],"told":true,"mailed":"2026-10-08"}`, due: true},
		"by hand":                          {state: `{"serial":"1","since":"2026-10-08T07:00:00Z","tries":1,"last":"2026-10-08T08:00:00Z","targets":[{"block":"a"}],"by_hand":["a"],"told":true,"mailed":"2026-10-08"}`},
		"the clock was ahead":              {state: `{"serial":"1","since":"2027-10-08T07:00:00Z","tries":1,"last":"2027-10-08T08:00:00Z"}`, due: true},
		"somebody edited it":               {state: `delivered`, due: true},
	} {
		due, _ := lifecycle.DeliveryDue(c.state, now)
		assert.Equal(t, c.due, due, name)
	}
}

func FuzzDeliveryDue(f *testing.F) {
	f.Add(`{"serial":"1","since":"2026-10-08T08:00:00Z","tries":1,"last":"2026-10-08T08:58:00Z","targets":[{"block":"a","sites":["b"]}],"done":["a"],"told":true,"task":7}`)
	f.Add(`{"tries":-1,"last":"9999-12-31T23:59:59Z"}`)
	f.Add(`[]`)
	now := time.Date(2026, 10, 8, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, state string) {
		_, since := lifecycle.DeliveryDue(state, now)
		assert.False(t, since.After(now))
		due, _ := lifecycle.DeliveryDue(state, now.AddDate(200, 0, 0))
		assert.True(t, due, "nothing is forgotten")
	})
}
