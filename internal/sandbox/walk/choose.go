package walk

import (
	"fmt"
	"time"

	"pmssl/internal/sandbox/model"
)

// option is a step that may come next, and how often it is chosen beside the others.
type option struct {
	weight int
	step   Step
}

// choose chooses the next step by the model's state, which is the system's.
func (w *walk) choose() Step {
	options := append(w.general(), w.time()...)
	for _, i := range w.m.Items() {
		options = append(options, w.ofItem(i)...)
	}
	sum := 0
	for _, o := range options {
		sum += o.weight
	}
	at := w.random.IntN(sum)
	for _, o := range options {
		if at -= o.weight; at < 0 {
			return w.completed(o.step)
		}
	}
	panic("walk: no step was chosen")
}

// completed chooses the values of a step.
func (w *walk) completed(s Step) Step {
	switch s.Kind {
	case Order:
		s.Name, s.Months = w.name(), 12*(1+w.random.IntN(5))
	case SetFault:
		if s.Fault != model.NoFault {
			faults := []model.Fault{model.NoMoney, model.KeyRefused, model.Outage, model.OrderRefused, model.AnswerLost}
			s.Fault = faults[w.random.IntN(len(faults))]
		}
	}
	if w.o.Kills > 0 && w.killable(s) && w.random.IntN(w.o.Kills) == 0 {
		s.Kill = 1 + w.random.IntN(latestKill)
	}
	return s
}

// name returns a name that no item has, sometimes one that an item had: control of it may be proved still.
func (w *walk) name() string {
	if len(w.free) > 0 && w.random.IntN(2) == 0 {
		at := w.random.IntN(len(w.free))
		name := w.free[at]
		w.free[at] = w.free[len(w.free)-1]
		w.free = w.free[:len(w.free)-1]
		return name
	}
	w.names++
	return fmt.Sprintf("w%d.example.com", w.names)
}

// general returns the steps that belong to no item.
func (w *walk) general() []option {
	live := len(w.m.Items())
	all := []option{{30, Step{Kind: Sweep}}, {12, Step{Kind: Pending}}, {2, Step{Kind: Import}}, {3, Step{Kind: Features}}}
	if live < maxLive {
		all = append(all, option{40 / (1 + live/4), Step{Kind: Order}})
	}
	if w.m.Fault() == model.NoFault {
		return append(all, option{6, Step{Kind: SetFault, Fault: model.NoMoney}})
	}
	return append(all, option{60, Step{Kind: SetFault}})
}

// time returns the steps of time that the state allows.
func (w *walk) time() []option {
	var all []option
	limit := w.limit()
	add := func(weight int, d time.Duration) {
		if d > 0 && d < limit {
			all = append(all, option{weight, Step{Kind: Advance, For: d}})
		}
	}
	const day = 24 * time.Hour
	add(15, time.Duration(1+w.random.IntN(9))*time.Minute)
	add(10, time.Duration(15+w.random.IntN(90))*time.Minute)
	add(15, time.Duration(20+w.random.IntN(9))*time.Hour)
	add(12, time.Duration(2+w.random.IntN(19))*day)
	add(2, time.Duration(30+w.random.IntN(60))*day)
	if d := w.season(); d > 0 {
		add(15, d)
	}
	if len(all) == 0 {
		all = append(all, option{10, Step{Kind: Advance, For: time.Minute}})
	}
	return all
}

// limit returns how far time may go: an order that waits stays within the paid term, and a purchase whose answer was lost is soon
// looked for.
func (w *walk) limit() time.Duration {
	limit := 400 * 24 * time.Hour
	for _, i := range w.m.Items() {
		if i.Lost() {
			limit = min(limit, 36*time.Hour)
		}
		o := w.m.NewestOrder(i)
		if o != nil && !o.TermEnd.IsZero() && o.State == model.Validating {
			limit = min(limit, o.TermEnd.Sub(w.m.Now())-time.Hour)
		}
	}
	return limit
}

// season returns the time until a certificate is due, of the item whose turn is next.
func (w *walk) season() time.Duration {
	best := time.Duration(0)
	for _, i := range w.m.Items() {
		leaf, stored := w.m.LeafOf(i)
		if !stored || i.Service != model.Issued {
			continue
		}
		d := leaf.Until.Sub(w.m.Now()) - time.Duration(w.random.IntN(12*24))*time.Hour
		if d > 0 && (best == 0 || d < best) {
			best = d.Truncate(time.Minute)
		}
	}
	return best
}

// ofItem returns the steps of an item.
func (w *walk) ofItem(i *model.Item) []option {
	if i.Operation != nil {
		all := []option{{15, Step{Kind: Retry, Item: i.ID}}}
		if i.Operation.Command != "open" || len(i.Lineage) > 0 {
			all = append(all, option{5, Step{Kind: Delete, Item: i.ID}})
		}
		return append(all, w.ofOrdered(i)...)
	}
	all := append(w.ofOrdered(i),
		option{2, Step{Kind: Open, Item: i.ID}}, option{3, Step{Kind: Reissue, Item: i.ID}}, option{2, Step{Kind: NewKey, Item: i.ID}},
		option{1, Step{Kind: Renew, Item: i.ID}})
	ending := i.TermEnd() < model.DateOf(w.m.Now())+90
	if ending {
		all = append(all, option{8, Step{Kind: Renew, Item: i.ID}})
	}
	if len(w.m.Items()) > maxLive-4 || ending {
		all = append(all, option{2, Step{Kind: Close, Item: i.ID}})
	}
	return all
}

// ofOrdered returns the steps of an item that an order belongs to.
func (w *walk) ofOrdered(i *model.Item) []option {
	o := w.m.NewestOrder(i)
	if o == nil {
		return nil
	}
	all := []option{{3, Step{Kind: Sync, Item: i.ID}}}
	if o.State == model.Validating {
		all = append(all, option{10, Step{Kind: Prove, Name: i.Name, For: proofTime}})
	}
	if o.State == model.Complete && i.Service == model.Waiting {
		all = append(all, option{10, Step{Kind: Sync, Item: i.ID}})
	}
	return all
}
