package namecheap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"pmssl/internal/cert"
	"pmssl/internal/sellerhttp"
)

const (
	// glanceLasts is how long what one process has read of the list serves all of this host.
	glanceLasts = 2 * time.Minute
	// maxGlanceFile bounds the file: ten thousand ids and more.
	maxGlanceFile = 1 << 20
	// waitingList is the ListType of certificates that the CA works on (§3.4). Where it means something else the ids are
	// missing there and are asked about one by one: more calls, no wrong answer.
	waitingList = "InProgress"
)

// glanced is the content of the file: the ids that waited when the list was read.
type glanced struct {
	Read    time.Time `json:"read"`
	Waiting []int64   `json:"waiting"`
}

// Glance tells whether the certificate still waits, by one walk through the list that all processes share for two minutes;
// false where the list does not show it as waiting: then only getInfo tells. A thousand certificates that wait cost ten
// calls for each walk instead of a thousand.
func (c *Client) Glance(ctx context.Context, id int64) (cert.State, bool) {
	seen, err := c.glance(ctx)
	if err != nil {
		c.log.ExtInfof("the list of %s does not tell where the certificate %d stands: %v", Title, id, err)
		return cert.StateUnknown, false
	}
	if !slices.Contains(seen.Waiting, id) {
		return cert.StateUnknown, false
	}
	return cert.StateWaiting, true
}

// glance is what was read within the last two minutes, by whichever process.
func (c *Client) glance(ctx context.Context) (glanced, error) {
	if seen, fresh := c.lastGlance(); fresh {
		return seen, nil
	}
	var seen glanced
	err := c.glances.Alone(ctx, func() error {
		var fresh bool
		if seen, fresh = c.lastGlance(); fresh { // another process was first
			return nil
		}
		var err error
		seen, err = c.walk(ctx)
		return err
	})
	return seen, err
}

// lastGlance is the kept one; false where it is too old or of no use. An instant in the future was written before the clock
// was set back.
func (c *Client) lastGlance() (glanced, bool) {
	content, err := c.glances.Read()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.log.Warningf("what was read of the list of %s is not used: %v", Title, err)
		}
		return glanced{}, false
	}
	var seen glanced
	if err := json.Unmarshal(content, &seen); err != nil {
		return glanced{}, false // read anew and written over
	}
	age := c.now().Sub(seen.Read)
	return seen, age >= 0 && age < glanceLasts
}

// walk reads the list to its end and keeps it.
func (c *Client) walk(ctx context.Context) (glanced, error) {
	seen := glanced{Read: c.now().UTC()} // before the walk: nothing in it is newer than this
	rows, err := c.list(ctx, listing{kind: waitingList})
	if err != nil {
		return glanced{}, err
	}
	for _, r := range rows {
		if r.State == cert.StateWaiting {
			seen.Waiting = append(seen.Waiting, r.ID)
		}
	}
	slices.Sort(seen.Waiting)
	content, err := json.Marshal(seen)
	if err != nil {
		return glanced{}, fmt.Errorf("encoding what waits: %w", err)
	}
	if err := c.glances.Write(content); err != nil {
		c.log.Warningf("what was read of the list of %s is not kept: %v", Title, err)
	}
	return seen, nil
}

// glanceFile keeps the walk of one account.
func glanceFile(path string) sellerhttp.KeptFile {
	return sellerhttp.KeptFile{Path: path, Most: maxGlanceFile}
}
