package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"pmssl/internal/itemparam"
	"pmssl/internal/seller"
)

const (
	// maxAsks is how often the seller is asked to look at the challenges of one id.
	maxAsks = 6
	// firstPause and lastPause bound the time between the first question and the second: what resolvers may keep of the
	// time before the record.
	firstPause = 10 * time.Minute
	lastPause  = time.Hour
	thirdAsk   = 4 * time.Hour
	laterAsks  = 12 * time.Hour
)

// askDue returns when the seller is to be asked to look the next time; zero if never.
func askDue(list []publishedRecord) time.Time {
	asked, asks := questions(list)
	pause := time.Duration(0)
	for _, entry := range list {
		pause = max(pause, time.Duration(entry.Pause)*time.Second)
	}
	switch {
	case asks >= maxAsks:
		return time.Time{}
	case asks == 0:
		return list[0].Seen
	case asks == 1:
		return asked.Add(min(max(firstPause, pause), lastPause))
	case asks == 2:
		return asked.Add(thirdAsk)
	}
	return asked.Add(laterAsks)
}

// questions returns when the seller was last asked to look at the records, and how often.
func questions(list []publishedRecord) (asked time.Time, asks int) {
	for _, entry := range list {
		if entry.Asks > asks {
			asked, asks = entry.Asked, entry.Asks
		}
	}
	return asked, asks
}

// ask has the seller look at the challenges where that is due (docs/reference/unattended.md §5). The question is counted
// before it is sent. True if the answer brought other values than those that are published.
func (j *Order) ask(ctx context.Context, id int64, up standing) (changed bool, err error) {
	retrier, can := j.Seller.(seller.ChallengeRetrier)
	due := askDue(up.present)
	if !can || due.IsZero() || j.Now().Before(due) {
		return false, nil
	}
	request, err := j.Request()
	if err != nil {
		return false, err
	}
	_, asks := questions(up.present)
	before := slices.Clone(up.present)
	for i := range up.present {
		up.present[i].Asked, up.present[i].Asks = j.Now().UTC(), asks+1
	}
	if err := j.saveStanding(ctx, up); err != nil {
		return false, err
	}
	domain := ""
	if names := request.AllNames(); len(names) == 1 {
		domain = strings.TrimPrefix(names[0], "*.")
	}
	j.Log.ExtInfof("its challenges are seen; asking %s to look at those of id %d", j.Info.Title, id)
	j.askedNow = true
	challenges, err := retrier.RetryChallenge(ctx, id, request, domain)
	if err != nil {
		j.Log.Warningf("%s was asked to look at the challenges of id %d: %v", j.Info.Title, id, err)
		j.Unattended.SellerError = err
		return false, j.uncount(ctx, standing{before, up.rest, up.stood}, err)
	}
	shown := j.Item.Params[j.ChallengeParam()]
	if err := j.keepChallenges(ctx, challenges); err != nil {
		return false, err
	}
	if j.Item.Params[j.ChallengeParam()] == shown {
		return false, nil
	}
	j.Log.Infof("%s gives other values in %s; they are published instead", j.Info.Title, itemparam.ChallengesPublished)
	return true, nil
}

// uncount takes a question back that never reached the seller, because of a limit of calls or because the seller cannot be reached:
// the next run asks.
func (j *Order) uncount(ctx context.Context, before standing, err error) error {
	var call interface{ Unsent() bool }
	if !errors.As(err, &call) || !call.Unsent() || ctx.Err() != nil {
		return nil
	}
	j.askedNow = false
	return j.saveStanding(ctx, before)
}
