package command_test

import (
	"context"
	"testing"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/command"
	"pmssl/internal/fault"
	"pmssl/internal/item"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unlistedPanel is a panel whose items cannot be listed.
type unlistedPanel struct{ item.Panel }

func (unlistedPanel) WaitingItems(context.Context) ([]int64, error) {
	return nil, fault.Errorf(fault.DB, "itemparam", "no\nconnection")
}

// rules SWEEP-12
func TestSweepLeavesARecord(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings[cabforum.SettingPolicy] = "manual"
	s.sweep(t)
	want := item.SweepRecord{Started: s.at, Ended: s.at, Completed: s.at, Result: item.SweepOK, Items: 1, Due: 1, Notified: 1}
	require.NotNil(t, s.panel.record)
	assert.Equal(t, want, *s.panel.record)

	t.Run("one that fails as a whole keeps when the last one was complete", func(t *testing.T) {
		s.at = s.at.Add(time.Hour)
		run := s.env()
		run.Panel = unlistedPanel{run.Panel}
		_, err := command.Subscription(context.Background(), run)
		require.Error(t, err)
		assert.Equal(t, item.SweepRecord{Started: s.at, Ended: s.at, Completed: want.Completed, Result: item.SweepFailed, Error: "db (itemparam): no connection"}, *s.panel.record)
	})
	t.Run("one that is interrupted", func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		stop()
		_, err := command.Subscription(ctx, s.env())
		require.Error(t, err)
		assert.Equal(t, item.SweepInterrupted, s.panel.record.Result)
		assert.Equal(t, want.Completed, s.panel.record.Completed)
	})
	t.Run("one item alone, a dry run, and one beside another sweep leave none", func(t *testing.T) {
		s.panel.record = nil
		s.args.Item = 42
		s.sweep(t)
		s.args = item.Args{Command: "subscription", DryRun: true}
		s.sweep(t)
		s.args.DryRun, s.panel.swept = false, true
		s.sweep(t)
		assert.Nil(t, s.panel.record)
	})
}

func TestSweepRecordListsTheItemsThatFailed(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.settings[item.SettingMailFrom] = ""
	s.seller.reissueErr = fault.Errorf(fault.API, "reissue", "2011296 refused")
	_, failed := s.sweep(t)
	assert.True(t, failed)
	require.NotNil(t, s.panel.record)
	assert.Equal(t, item.SweepPartial, s.panel.record.Result)
	require.Len(t, s.panel.record.Failures, 1)
	assert.Equal(t, int64(42), s.panel.record.Failures[0].Item)
	assert.Contains(t, s.panel.record.Failures[0].Error, "2011296 refused")
}

func TestSweepEndsAsUsualIfItsRecordCannotBeKept(t *testing.T) {
	s := sweepFixture(t, 10)
	s.panel.recordErr = fault.Errorf(fault.Panel, "sweep", "the disk is full")
	_, failed := s.sweep(t)
	assert.False(t, failed)
	assert.Equal(t, 1, s.seller.reissues)
}
