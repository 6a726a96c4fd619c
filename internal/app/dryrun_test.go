package app

import (
	"context"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// rules CLI-7: a dry run masks what it shows, as a real run masks what it sends to the panel.
func TestADryRunShowsNoSecret(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		r := plain(func(ctx context.Context, run *item.Run) (*etree.Document, error) {
			if _, err := run.Panel.ModuleParams(ctx, 5); err != nil {
				return nil, err
			}
			if terminal {
				run.Print = "would say pl4nted-k3y\n"
				return nil, nil
			}
			doc := etree.NewDocument()
			action := doc.CreateElement("doc").CreateElement("action")
			action.CreateAttr("text", "the seller said pl4nted-k3y")
			action.CreateElement("warning").SetText("pl4nted-k3y is wrong")
			return doc, nil
		})
		r.uses = append(r.uses, "dry-run")
		s := newFixture(t, r)
		s.panel.params = map[string]string{"username": "shop", "api_key": "pl4nted-k3y"}
		assert.Equal(t, 0, s.run("--command", "act", "--dry-run"))
		assert.Contains(t, s.stdout.String(), "***")
		assert.NotContains(t, s.stdout.String(), "pl4nted-k3y")
	}
}

// A dry run that fails is reported on stdout only.
func TestAFailedDryRunIsNotReportedToThePanel(t *testing.T) {
	r := plain(failing(fault.Errorf(fault.Client, "x", "unreachable").Retryable()))
	r.uses, r.rollback, r.repeats = append(r.uses, "dry-run"), true, true
	s := newFixture(t, r)
	s.panel.order.LastPrice = 3
	assert.Equal(t, 1, s.run("--command", "act", "--dry-run", "--item", "42", "--module", "5", "--runningoperation", "7"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.Client, kind)
	assert.Empty(t, s.panel.calls)
}

// Without --yes a command that needs it makes a dry run, also for the seller's client.
func TestACommandThatNeedsYesIsADryRunWithoutIt(t *testing.T) {
	for _, words := range [][]string{{}, {"--yes"}} {
		dry := false
		r := plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
			dry = run.Args.DryRun
			return nil, nil
		})
		r.uses, r.confirm = append(r.uses, "yes", "dry-run"), true
		s := newFixture(t, r)
		assert.Equal(t, 0, s.run(append([]string{"--command", "act"}, words...)...))
		assert.Equal(t, len(words) == 0, dry)
	}
}
