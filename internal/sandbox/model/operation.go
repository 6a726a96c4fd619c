package model

import (
	"cmp"
	"slices"
)

// maxTries is after how many failed runs an operation is left to the administrator (docs/commands.md).
const maxTries = 10

// outcome is how a run of an operation ended.
type outcome int

const (
	done    outcome = iota // the panel has deleted the operation
	failed                 // the panel runs it again
	refused                // left to the administrator at once (rules BUY-22)
)

// run runs the operation of an item once.
func (m *Model) run(i *Item) bool {
	op := i.Operation
	op.Tries++
	if m.killed {
		op.Tries++
		m.killed = false
	}
	result := m.command(i, op.Command)
	if result == done {
		i.Operation = nil
		return true
	}
	op.Manual = op.Manual || result == refused || op.Tries >= maxTries
	return false
}

func (m *Model) command(i *Item, name string) outcome {
	switch name {
	case "open":
		return m.open(i)
	case "reopen":
		return m.reopen(i)
	case "prolong":
		return m.prolong(i)
	case "close":
		return m.close(i)
	}
	panic("model: no command " + name)
}

func (m *Model) operate(i *Item, command string) bool {
	m.operations++
	i.Operation = &Operation{Command: command, number: m.operations}
	return m.run(i)
}

// Order places an order, which gets this id, and runs its open.
func (m *Model) Order(id int64, name string, months int) bool {
	m.keys++
	i := &Item{ID: id, Name: name, Months: months, Status: Processing, key: m.keys}
	m.items[id] = i
	return m.operate(i, "open")
}

// Open runs open for an item that has no operation.
func (m *Model) Open(id int64) bool { return m.operate(m.items[id], "open") }

// Reissue presses the client's button, with the CSR that the item has or with one for a new key.
func (m *Model) Reissue(id int64, newKey bool) bool {
	i := m.items[id]
	if newKey {
		m.keys++
		i.key = m.keys
	}
	return m.operate(i, "reopen")
}

// Renew lets the client pay for the next term.
func (m *Model) Renew(id int64) bool { return m.operate(m.items[id], "prolong") }

// Close lets the panel delete an item.
func (m *Model) Close(id int64) bool { return m.operate(m.items[id], "close") }

// Retry runs the open operation of an item again.
func (m *Model) Retry(id int64) bool { return m.run(m.items[id]) }

// DeleteOperation lets the administrator delete the open operation of an item.
func (m *Model) DeleteOperation(id int64) { m.items[id].Operation = nil }

// Pending runs every operation that is not manual, oldest first, as the panel does now and then.
func (m *Model) Pending() {
	open := slices.DeleteFunc(m.Items(), func(i *Item) bool { return i.Operation == nil || i.Operation.Manual })
	slices.SortFunc(open, func(a, b *Item) int { return cmp.Compare(a.Operation.number, b.Operation.number) })
	for _, i := range open {
		m.run(i)
	}
}

// endOperations is what the panel does with certificate.open: it deletes the operations that an issue completes.
func (i *Item) endOperations() {
	if i.Operation != nil && (i.Operation.Command == "open" || i.Operation.Command == "reopen") {
		i.Operation = nil
	}
}
