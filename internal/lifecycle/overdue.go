package lifecycle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"pmssl/internal/item"
	"pmssl/internal/purchase"
)

const (
	// sellerTime is how long the seller may take for challenges that are published before the client is written to.
	sellerTime = 48 * time.Hour
	// troubleTime is how long a trouble that passes by itself may last before that.
	troubleTime = 6 * time.Hour
)

// AwaitsNobody reports whether no person has to act for a reissue that waits: its challenges are published and the seller
// had less than two days to look at them, or what keeps the module from publishing them may pass by itself and began a few
// hours ago at most.
func (j *Order) AwaitsNobody() bool {
	switch u := j.Unattended; {
	case u.ByHand == "":
		return !u.Since.IsZero() && j.Now().Sub(u.Since) < sellerTime
	case u.Passes:
		return !u.Since.IsZero() && j.Now().Sub(u.Since) < sellerTime || j.Now().Sub(j.Attempts().Last) < troubleTime
	}
	return false
}

// Overdue reports whether the challenges are published and of no use: the seller had two days to look at them.
func (j *Order) Overdue() bool {
	u := j.Unattended
	return u.ByHand == "" && !u.Since.IsZero() && !j.AwaitsNobody()
}

// OverdueText returns what the administrator has to know of an order that is overdue, with what was found about its names.
func (j *Order) OverdueText(obstacles []item.NameObstacle) string {
	u := j.Unattended
	reason := fmt.Sprintf("look for the reason at %s, and in the log", j.Info.Title)
	switch {
	case len(obstacles) > 0:
		reason = obstacleTexts(obstacles)
	case u.Unseen != "":
		reason = u.Unseen
	}
	return fmt.Sprintf("its challenges are published since %s and %s has not issued the certificate: %s", u.Since.Format(time.RFC3339), j.Info.Title, reason)
}

// maxObstacles is how many obstacles a text has.
const maxObstacles = 5

func obstacleTexts(obstacles []item.NameObstacle) string {
	var texts []string
	for _, o := range obstacles[:min(len(obstacles), maxObstacles)] {
		texts = append(texts, purchase.ObstacleText(o))
	}
	if more := len(obstacles) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("%d more names cannot be certified, see the log", more))
	}
	return strings.Join(texts, "; ")
}

// LookForObstacles looks in DNS for what keeps the CA from issuing the order's certificate, warns of it in the log and on the item,
// and returns it.
func (j *Order) LookForObstacles(ctx context.Context) []item.NameObstacle {
	request, err := j.Request()
	if err != nil {
		j.Log.Warningf("its names are not looked up: %v", err)
		return nil
	}
	return j.NameObstacles(ctx, request)
}
