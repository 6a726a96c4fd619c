package panel_test

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"pmssl/internal/item"
	"pmssl/internal/panel"
)

func FuzzSweepRecord(f *testing.F) {
	f.Add([]byte(`{"started":"2026-05-07T15:07:16Z","ended":"2026-05-07T15:07:16Z","result":"ok","failures":[{"item":1,"error":"x"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if record, err := panel.ParseSweepRecord(text); err == nil {
			assert.NotEmpty(t, record.Result)
			assert.LessOrEqual(t, len(record.Failures), item.MaxSweepFailures)
		}
	})
}

func FuzzBalances(f *testing.F) {
	f.Add([]byte(`[{"module":5,"at":"2026-05-07T15:07:16Z","amount":1.5,"currency":"USD"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, _ := panel.ParseBalances(text)
		for module, one := range all {
			assert.Positive(t, module)
			assert.False(t, one.At.IsZero())
		}
	})
}

func FuzzOperationError(f *testing.F) {
	f.Add(`<doc><error type="db" value="v"><msg>text</msg></error></doc>`)
	f.Fuzz(func(t *testing.T, text string) {
		shown := panel.OperationError(text)
		assert.True(t, utf8.ValidString(shown))
		assert.NotContains(t, shown, "\n")
		assert.LessOrEqual(t, len(shown), 403)
	})
}
