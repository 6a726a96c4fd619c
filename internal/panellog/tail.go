package panellog

import "sync"

const (
	tailEntries  = 100     // entries in the panel's error document (docs/reference/billmanager.md §1.6)
	tailEntryMax = 4 << 10 // bytes of one kept entry; the document has at most 64 KiB
)

// tail keeps the last entries of this process for the log excerpt of an error
// document.
type tail struct {
	mu   sync.Mutex
	ring [tailEntries]string
	seen int // entries added in all
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring[t.seen%tailEntries] = cut(line, tailEntryMax)
	t.seen++
}

// last returns up to n entries, oldest first.
func (t *tail) last(n int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = max(0, min(n, t.seen, tailEntries))
	lines := make([]string, 0, n)
	for i := t.seen - n; i < t.seen; i++ {
		lines = append(lines, t.ring[i%tailEntries])
	}
	return lines
}
