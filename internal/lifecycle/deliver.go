package lifecycle

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pmssl/internal/deliver"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
)

const (
	// reloadPause is the time between a delivery and a look at it: a web server has to load the certificate.
	reloadPause = 3 * time.Second
	// maxLooks is how often one run looks after a delivery.
	maxLooks = 3
)

// delivers reports whether certificates are delivered at all.
func (j *Order) delivers() bool {
	return j.Delivering.Mode() == publish.On && j.Delivering.Configured()
}

func (j *Order) deliveryOrder() deliver.Order {
	return deliver.Order{Item: j.Item.Item, Account: j.Item.Account}
}

// deliveryNames returns the names of a leaf, the common name first: programs take the first one for the certificate's name.
func deliveryNames(chain pki.Chain) []string {
	common := strings.ToLower(chain.Leaf.Subject.CommonName)
	var names []string
	for _, name := range chain.Leaf.DNSNames {
		switch name = strings.ToLower(name); {
		case slices.Contains(names, name):
		case name == common:
			names = slices.Insert(names, 0, name)
		default:
			names = append(names, name)
		}
	}
	return names
}

// Deliver does what is due about the delivery of the stored certificate: it looks at its servers, and delivers if they do not show
// it (rules DELIVER-3). What stands in the way ends in the log and in the item parameter; only the end of the run and a panel that
// does not save are errors.
func (j *Order) Deliver(ctx context.Context) error {
	raw := j.Item.Params[itemparam.Delivery]
	if j.Delivering == nil || j.Dry != nil || raw == "" {
		return nil
	}
	now := j.Now().UTC()
	d := parseDelivery(raw, now)
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if why := j.noDelivery(d, stored, err); why != "" {
		j.Log.Infof("certificate %s is not delivered any more: %s", d.Serial, why)
		return j.dropDelivery(ctx)
	}
	if j.Delivering.Mode() != publish.On || d.Serial != stored.Serial() && d.Serial != "" || !d.lookDue(now) {
		return nil
	}
	d.Serial = stored.Serial()
	before := d
	finished, err := j.deliverRound(ctx, &d, stored)
	if over := ctx.Err(); over != nil {
		return fault.Errorf(fault.Interrupted, itemparam.Delivery, "%s: the run ended while its certificate was delivered, the next one goes on: %w",
			j.Item.Label(), over).Retryable()
	}
	if err != nil || finished {
		return err
	}
	d.noteTurn(before, now, j.Now().UTC())
	return j.notDelivered(ctx, d)
}

// noDelivery returns why nothing is delivered any more; empty if it is. A certificate that is stored and not announced yet is
// another one than is to be delivered; that run will be repeated.
func (j *Order) noDelivery(d delivery, stored pki.Chain, unread error) string {
	switch {
	case j.Item.Status == item.ItemDeleted:
		return "the item is deleted"
	case j.Delivering.Mode() == publish.On && !j.Delivering.Configured():
		return "no deploy block is configured any more"
	case unread != nil:
		return unread.Error()
	case d.Serial != stored.Serial() && d.Serial != "" && j.HasStatus(item.ServiceIssued):
		return "certificate " + stored.Serial() + " is stored now"
	case !stored.Leaf.NotAfter.After(j.Now()):
		return "it has expired"
	case j.revoked(stored): // what is served may be better
		return "its authority revoked it"
	}
	return ""
}

// deliverRound looks at the servers and makes a try if one is due. True if the delivery is over. A run without time for deliveries
// changes nothing: the item waits for its turn.
func (j *Order) deliverRound(ctx context.Context, d *delivery, stored pki.Chain) (finished bool, err error) {
	before := *d
	if len(d.Targets) > 0 {
		if turn := j.lookAt(ctx, d, stored); !turn || ctx.Err() != nil {
			*d = before
			return false, nil
		}
		if d.finished() {
			return true, j.delivered(ctx, *d)
		}
	}
	now := j.Now().UTC()
	if d.tryDue(now) {
		return j.try(ctx, d, stored)
	}
	if d.over(now) {
		j.Log.Infof("certificate %s is not delivered any more: %s", d.Serial, d.Why)
		return true, j.dropDelivery(ctx)
	}
	if d.late(now) && d.Told { // the daily look
		d.Last = now
	} else if slices.Equal(d.Done, before.Done) { // no news
		d.Why = before.Why
	}
	return false, nil
}

// lookAt looks at the targets that the last try found. It notes which of them show the certificate, and what the others show.
// False if there is no time for that.
func (j *Order) lookAt(ctx context.Context, d *delivery, stored pki.Chain) (turn bool) {
	known := d.Targets
	d.Targets, d.Done, d.Other = nil, nil, nil
	var problems []string
	for _, t := range known {
		why, served, err := j.look(ctx, deliver.Target{Block: t.Block, Sites: t.Sites}, d.Serial)
		if errors.Is(err, deliver.ErrTimeSpent) {
			return false
		}
		if why != "" {
			problems = append(problems, why)
		} else {
			d.Done = append(d.Done, t.Block)
		}
		if served != nil && j.onPurpose(served, stored) {
			d.Other = append(d.Other, t.Block)
		}
		if errors.Is(err, deliver.ErrNoBlock) { // another block may serve the sites now
			d.Unclear = true
			continue
		}
		d.Targets = append(d.Targets, t)
	}
	if len(problems) > 0 {
		d.because(strings.Join(problems, "; "))
	}
	return true
}

// look returns what a target's sites show instead of the certificate, in words and if it is known, or why that is not known; empty if
// all show it. The error is why it is not known.
func (j *Order) look(ctx context.Context, t deliver.Target, serial string) (why string, served *x509.Certificate, err error) {
	sight, err := j.Delivering.Seen(ctx, t, serial)
	switch {
	case err != nil:
		return fmt.Sprintf("deploy %s: %v", t.Block, err), nil, err
	case !sight.Seen:
		return fmt.Sprintf("deploy %s: %s", t.Block, sight.Why), sight.Served, nil
	}
	return "", nil, nil
}

// onPurpose reports whether a certificate that a server shows may be there on purpose: it is no earlier one of the item (rules WATCH-2)
// and has not expired.
func (j *Order) onPurpose(served *x509.Certificate, stored pki.Chain) bool {
	if slices.Contains(strings.Fields(j.Item.Params[itemparam.EarlierSerials]), fmt.Sprintf("%x", served.SerialNumber)) || !served.NotAfter.After(j.Now()) {
		return false
	}
	key, comparable := served.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	sameKey := comparable && key.Equal(stored.Leaf.PublicKey)
	return !sameKey || !served.NotBefore.Before(stored.Leaf.NotBefore)
}

// try delivers the certificate to the servers that do not show it. True if the delivery is over.
func (j *Order) try(ctx context.Context, d *delivery, stored pki.Chain) (finished bool, err error) {
	c := j.certificate(stored)
	targets, reasons, err := j.Delivering.Targets(ctx, j.deliveryOrder(), c.Names)
	if errors.Is(err, deliver.ErrTimeSpent) || ctx.Err() != nil {
		return false, nil
	}
	left, unclear := sortReasons(reasons)
	answered := err != nil || tellsOfServers(reasons)
	if err != nil {
		unclear = err.Error()
	}
	if len(targets) == 0 && unclear == "" {
		return j.nothingToDeliver(ctx, d, reasons, left)
	}
	if left != "" {
		j.Log.ExtInfof("certificate %s is the client's to install for some of its names: %s", d.Serial, left)
	}
	before := *d
	if err == nil {
		d.setTargets(targets)
	}
	d.Unclear, d.NotOwner = unclear != "", false
	begun, why, err := j.deliverToAll(ctx, d, before, targets, c)
	if err != nil {
		return false, err
	}
	if d.finished() {
		return true, j.delivered(ctx, *d)
	}
	j.noteTry(d, before, strings.Join(nonEmpty(unclear, why), "; "), answered || begun)
	return false, nil
}

// nothingToDeliver handles a certificate that goes to no server. True if the delivery is over: if only the evidence is missing that a site
// is the client's own, it may come back (the panel works on the client's item just now), and the other tries are made. Nobody is told.
func (j *Order) nothingToDeliver(ctx context.Context, d *delivery, reasons []deliver.Reason, left string) (over bool, err error) {
	if !slices.ContainsFunc(reasons, func(r deliver.Reason) bool { return errors.Is(r.Err, publish.ErrNotOwner) }) {
		j.Log.Infof("certificate %s is the client's to install: %s", d.Serial, left)
		return true, j.dropDelivery(ctx)
	}
	if !d.NotOwner {
		j.Log.Infof("certificate %s is the client's to install, unless that changes within %d hours: %s", d.Serial, int(byHandAfter.Hours()), left)
	}
	d.setTargets(nil)
	d.Tries, d.Last, d.NotOwner, d.Unclear = d.Tries+1, j.Now().UTC(), true, false
	d.because(left)
	return false, nil
}

// noteTry notes why a delivery is not over. Where no server was asked, the item had no turn.
func (j *Order) noteTry(d *delivery, before delivery, why string, counts bool) {
	if counts {
		d.because(why)
		j.Log.Warningf("certificate %s is not on all of its servers yet: %s", d.Serial, d.Why)
		return
	}
	*d = before
	if d.Why == "" {
		d.because(why)
	}
	if !j.SweepTurn.IsZero() {
		d.Turn = j.SweepTurn.UTC()
	}
	j.Log.ExtInfof("certificate %s waits for the next run: %s", d.Serial, why)
}

// deliverToAll delivers to the targets. Each try begins with another one: a server that hangs may take all of the item's time. It
// returns whether a delivery was begun, and why targets do not show the certificate. The try is saved first: a run that is killed
// counts as one.
func (j *Order) deliverToAll(ctx context.Context, d *delivery, before delivery, targets []deliver.Target, c deliver.Certificate) (begun bool, why string, err error) {
	d.Tries, d.Last = d.Tries+1, j.Now().UTC()
	if err := j.saveDelivery(ctx, *d); err != nil {
		return false, "", err
	}
	var problems []string
	for n := range targets {
		if ctx.Err() != nil {
			break
		}
		t := targets[(before.Tries+n)%len(targets)]
		if j.shows(ctx, before, t, c.Serial) {
			d.Done = append(d.Done, t.Block)
			continue
		}
		if before.late(j.Now().UTC()) && slices.Contains(before.Other, t.Block) {
			problems = append(problems, fmt.Sprintf("deploy %s: its server shows another certificate, which is left there", t.Block))
			continue
		}
		why, asked := j.deliverTo(ctx, d, t, c)
		problems, begun = append(problems, why), begun || asked
	}
	return begun, strings.Join(nonEmpty(problems...), "; "), nil
}

// tellsOfServers reports whether one of the reasons that may pass is of a server that was asked.
func tellsOfServers(reasons []deliver.Reason) bool {
	return slices.ContainsFunc(reasons, func(r deliver.Reason) bool { return !lasts(r.Err) && !errors.Is(r.Err, publish.ErrNotAsked) })
}

// lasts reports whether a name has no target for good.
func lasts(err error) bool {
	return errors.Is(err, deliver.ErrNoBlock) || errors.Is(err, publish.ErrNotOwner)
}

// sortReasons returns, in words, why names have no target for good, and why it is not clear whether others have one.
func sortReasons(reasons []deliver.Reason) (left, unclear string) {
	var lasting, passing []string
	for _, r := range reasons {
		words := pki.DisplayName(r.Name) + ": " + r.Err.Error()
		if lasts(r.Err) {
			lasting = append(lasting, words)
		} else {
			passing = append(passing, words)
		}
	}
	return strings.Join(lasting, "; "), strings.Join(passing, "; ")
}

// deliverTo delivers to one target and looks at what that brought. It returns why the target does not show the certificate; empty if
// it does. asked is false if there was no time for the delivery, or its server did not answer about another item in this run.
func (j *Order) deliverTo(ctx context.Context, d *delivery, t deliver.Target, c deliver.Certificate) (why string, asked bool) {
	if err := j.Delivering.Deliver(ctx, j.deliveryOrder(), t, c); err != nil {
		if errors.Is(err, deliver.ErrByHand) {
			d.ByHand = append(d.ByHand, t.Block)
		}
		return err.Error(), !errors.Is(err, publish.ErrNotAsked)
	}
	for look := range maxLooks {
		if look > 0 && (!j.Waits.TakeSpare(reloadPause) || j.Sleep(ctx, reloadPause) != nil) {
			break
		}
		if why, _, _ = j.look(ctx, t, c.Serial); why == "" {
			d.Done = append(d.Done, t.Block)
			break
		}
	}
	return why, true
}

// shows reports whether a target shows the certificate already, as far as that is not known from before: that of the last look.
func (j *Order) shows(ctx context.Context, before delivery, t deliver.Target, serial string) bool {
	same := func(old deliveryTarget) bool { return old.Block == t.Block && slices.Equal(old.Sites, t.Sites) }
	if slices.ContainsFunc(before.Targets, same) {
		return slices.Contains(before.Done, t.Block)
	}
	why, _, _ := j.look(ctx, t, serial)
	return why == ""
}

// certificate returns the stored certificate for a delivery.
func (j *Order) certificate(stored pki.Chain) deliver.Certificate {
	return deliver.Certificate{
		Serial: stored.Serial(), Leaf: stored.LeafPEM(), Chain: stored.ChainPEM(), Names: deliveryNames(stored),
		Key: func(ctx context.Context) (string, error) { return j.keyOf(ctx, stored) },
	}
}

// delivered ends a delivery whose certificate is seen at every server.
func (j *Order) delivered(ctx context.Context, d delivery) error {
	var sites []string
	for _, t := range d.Targets {
		sites = append(sites, strings.Join(t.Sites, ", ")+" (deploy "+t.Block+")")
	}
	j.Log.Infof("certificate %s is seen on %s", d.Serial, strings.Join(sites, "; "))
	if err := j.SaveParam(ctx, itemparam.DeployedSerial, d.Serial); err != nil {
		return err
	}
	if err := j.FinishRotation(ctx); err != nil {
		j.Log.Warningf("%v", err) // the sweep tries again
	}
	return j.dropDelivery(ctx)
}

// notDelivered saves how far a delivery is, and opens a task once a person has to act (rules DELIVER-4).
func (j *Order) notDelivered(ctx context.Context, d delivery) error {
	if d.byHand(j.Now().UTC()) && !d.Told {
		text := fmt.Sprintf("%s: its certificate %s is stored since %s and not on all of its servers: %s", j.Item.Label(), d.Serial, d.Since.Format(time.RFC3339), d.Why)
		task, err := j.openTask(ctx, j.Args.Command, text)
		if err != nil {
			return err
		}
		d.Told, d.Task = true, max(d.Task, task)
	}
	return j.saveDelivery(ctx, d)
}

// ShowDelivery logs where the stored certificate would be delivered, with the mode Dry.
func (j *Order) ShowDelivery(ctx context.Context) {
	if j.Delivering == nil || j.Dry != nil || j.Delivering.Mode() != publish.Dry || !j.Delivering.Configured() {
		return
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	if err != nil {
		return // nothing is stored
	}
	_, reasons, err := j.Delivering.Targets(ctx, j.deliveryOrder(), deliveryNames(stored))
	if err != nil {
		j.Log.Infof("certificate %s would not be delivered: %v", stored.Serial(), err)
	}
	for _, r := range reasons {
		j.Log.Infof("certificate %s would not be delivered to %s: %v", stored.Serial(), pki.DisplayName(r.Name), r.Err)
	}
}

// InstallDue reports whether the client is to be told to install the certificate by hand. The administrator has a task.
func (j *Order) InstallDue() bool {
	raw := j.Item.Params[itemparam.Delivery]
	return raw != "" && parseDelivery(raw, j.Now().UTC()).mailDue()
}

// InstallTold returns the day, YYYY-MM-DD, on which the client was told to install the stored certificate by hand because it could
// not be delivered; empty if that did not happen. tries is how often the module tried to deliver it, and pending is true while it
// goes on with that and the administrator has no task about it, which it does with the mode on only, and knows a site of the client.
func (j *Order) InstallTold() (day string, tries int, pending bool) {
	raw := j.Item.Params[itemparam.Delivery]
	d := parseDelivery(raw, j.Now().UTC())
	if raw == "" || d.Serial != j.Item.Params[itemparam.Serial] {
		return "", 0, false
	}
	return d.Mailed, d.Tries, !d.Told && !d.NotOwner && j.Delivering != nil && j.Delivering.Mode() == publish.On
}

// NoteInstallMail notes the day on which the client is told; empty if that failed.
func (j *Order) NoteInstallMail(ctx context.Context, day string) error {
	d := parseDelivery(j.Item.Params[itemparam.Delivery], j.Now().UTC())
	d.Mailed = day
	return j.saveDelivery(ctx, d)
}
