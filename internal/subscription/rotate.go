package subscription

import (
	"context"
	"slices"

	"pmssl/internal/item"
	"pmssl/internal/lifecycle"
)

// readRotation reads whether reissues are for a new key where that is possible (rules ROTATE-1).
func (s *sweep) readRotation(ctx context.Context) error {
	on, warning, err := item.RotateKey(ctx, s.Panel)
	if warning != "" {
		s.Log.Warningf("%s", warning)
	}
	if on {
		s.rotation = lifecycle.RotateKey
	}
	return err
}

// rotations completes changes of keys that an earlier run could not, also with the option off: there is a file of key pairs for each.
func (s *sweep) rotations(ctx context.Context) error {
	if s.dry {
		return nil
	}
	changing, err := s.Panel.ItemsWithKeyPairs(ctx)
	if err != nil { // no reissue waits for it
		s.Log.Warningf("%v", err)
		return nil
	}
	if changing, err = s.filterNamed(changing, nil); err != nil {
		return err
	}
	own := slices.DeleteFunc(distinct(changing), func(it int64) bool { return !s.ownsKeys(ctx, it) })
	_, err = s.workOnAll(ctx, tasksOf(own, task{as: asSync, begin: loadItem, work: s.finishRotation}), always)
	return err
}

// ownsKeys reports whether a file is of an item of this module. Those of the other module are its own work. A file without an item
// stays: a database that is being restored has no items either.
func (s *sweep) ownsKeys(ctx context.Context, it int64) bool {
	order, err := s.Panel.LoadItem(ctx, it)
	if err != nil {
		s.Log.Warningf("the key pairs in var/pmssl-keys/%d.json stay there: %v", it, err)
		return false
	}
	return order.Binary == s.Binary
}

// finishRotation completes the change of one item's key.
func (s *sweep) finishRotation(ctx context.Context, j *sweptItem, _ *sweepRow) error {
	if err := j.FinishRotation(ctx); err != nil && ctx.Err() != nil {
		return err
	} else if err != nil {
		j.Log.Warningf("%v", err)
	}
	return nil
}
