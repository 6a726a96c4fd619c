package app

import (
	"context"
	"testing"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"

	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// rules CLI-7: what a real run would hand to the panel is masked on its way there, and so is what a dry run shows of it.
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
		s := newStage(t, r)
		s.host.params = map[string]string{"username": "shop", "api_key": "pl4nted-k3y"}
		assert.Equal(t, 0, s.play("--command", "act", "--dry-run"))
		assert.Contains(t, s.stdout.String(), "***")
		assert.NotContains(t, s.stdout.String(), "pl4nted-k3y")
	}
}

// A dry run that fails tells the caller, and nobody else.
func TestAFailedDryRunIsNotToldToThePanel(t *testing.T) {
	r := plain(failing(fault.Errorf(fault.Client, "x", "unreachable").Retryable()))
	r.uses, r.rollback, r.repeats = append(r.uses, "dry-run"), true, true
	s := newStage(t, r)
	s.host.order.LastPrice = 3
	assert.Equal(t, 1, s.play("--command", "act", "--dry-run", "--item", "42", "--module", "5", "--runningoperation", "7"))
	kind, _ := s.failure(t)
	assert.Equal(t, fault.Client, kind)
	assert.Empty(t, s.host.calls)
}

// Without --yes a command that asks for it makes a dry run: the seller's client is told so before it is made.
func TestWhatAsksForYesIsADryRunWithoutIt(t *testing.T) {
	for _, words := range [][]string{{}, {"--yes"}} {
		dry := false
		r := plain(func(_ context.Context, run *item.Run) (*etree.Document, error) {
			dry = run.Args.DryRun
			return nil, nil
		})
		r.uses, r.confirm = append(r.uses, "yes", "dry-run"), true
		s := newStage(t, r)
		assert.Equal(t, 0, s.play(append([]string{"--command", "act"}, words...)...))
		assert.Equal(t, len(words) == 0, dry)
	}
}
