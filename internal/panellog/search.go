package panellog

import (
	"bytes"
	"slices"
	"strings"
)

const (
	// maxSkipped limits the readings as nothing, one after the other, that are tried between two letters of a pattern of which
	// some letters were read inside tags or escapes. Without a limit each of a thousand tags could be read or skipped.
	maxSkipped = 64
	// skippedTag is what a tag counts; an escape counts 1.
	skippedTag = 4
)

// place is a byte in the label of a node.
type place struct {
	node *patternNode
	at   int32 // bytes of the label before it
}

// partial is the beginning of a pattern, as far as it was found on one way through the readings of a text.
type partial struct {
	place
	depth      int32 // bytes of the pattern that were found
	start, end int32 // in the text
	inside     bool  // a letter was read inside a tag or an escape
	skipped    int32 // readings as nothing since the last letter, if inside
}

// next goes on to the place behind the characters and reports whether a pattern continues with them.
func (p *partial) next(chars string) bool {
	for k := range len(chars) {
		label := p.node.label
		if int(p.at) < len(label) {
			if label[p.at] != chars[k] {
				return false
			}
			p.at++
			continue
		}
		i := bytes.IndexByte(p.node.firsts, chars[k])
		if i < 0 {
			return false
		}
		p.place = place{p.node.next[i], 1}
	}
	p.depth += int32(len(chars))
	return true
}

// partials are partials in different places. Of two in the same place the longer one is kept, since they continue in the same way.
type partials struct {
	list  []partial
	index map[place]int // made for a long list
}

// manyPartials is the number from which partials are found by an index.
const manyPartials = 16

// add adds a partial and returns the number of steps.
func (ps *partials) add(p partial) int {
	if ps.index == nil {
		for i := range ps.list {
			if ps.list[i].place == p.place {
				ps.list[i].join(p)
				return i + 1
			}
		}
		ps.list = append(ps.list, p)
		if len(ps.list) == manyPartials {
			ps.index = make(map[place]int, 2*manyPartials)
			for i := range ps.list {
				ps.index[ps.list[i].place] = i
			}
		}
		return len(ps.list)
	}
	if i, ok := ps.index[p.place]; ok {
		ps.list[i].join(p)
	} else {
		ps.index[p.place] = len(ps.list)
		ps.list = append(ps.list, p)
	}
	return 1
}

// join makes one partial of two in the same place.
func (p *partial) join(other partial) {
	p.start, p.end = min(p.start, other.start), max(p.end, other.end)
	p.inside = p.inside && other.inside
	p.skipped = max(p.skipped, other.skipped)
}

// arrival holds the partials that continue at an offset because a reading ends there.
type arrival struct {
	at int32
	partials
}

// search is one search for all patterns in a text. It goes through the text once, and has at each offset the partials of
// every way that leads there.
type search struct {
	readings
	tree    *patternTree
	root    place
	cut     bool
	at      int32
	live    partials    // the partials that continue at the offset
	waiting []arrival   // the partials that continue behind it, in order of their offset
	inside  int32       // the end of the readings that began so far
	hidden  int32       // the end of the last ***
	spare   [][]partial // lists to use again
	steps   int         // the steps that are left
	found   []span
}

// spans returns the positions of every pattern in any reading of the text. With cut, the text may end inside a secret.
func (t *patternTree) spans(r readings, cut bool) []span {
	if len(t.root.next) == 0 {
		return nil
	}
	s := &search{readings: r, tree: t, root: place{node: &t.root}, cut: cut, steps: stepsAtLeast + stepsPerByte*len(r.text)}
	for int(s.at) < len(r.text) {
		s.arrive()
		s.follow()
		s.plain()
		if s.steps < 0 {
			// Only a text made to be expensive gets here. The rest of it was not searched, so it is masked.
			return append(s.found, span{int(s.firstStart()), len(r.text)})
		}
	}
	s.arrive()
	s.cutHere()
	return s.found
}

// firstStart returns where the first of the unfinished patterns begins.
func (s *search) firstStart() int32 {
	first := s.at
	for _, p := range s.live.list {
		first = min(first, p.start)
	}
	for _, a := range s.waiting {
		for _, p := range a.list {
			first = min(first, p.start)
		}
	}
	return first
}

// arrive adds the partials that continue at this offset because a reading ends here.
func (s *search) arrive() {
	n := 0
	for ; n < len(s.waiting) && s.waiting[n].at <= s.at; n++ {
		for _, p := range s.waiting[n].list {
			s.steps -= s.live.add(p)
		}
		s.spare = append(s.spare, s.waiting[n].list[:0])
	}
	s.waiting = slices.Delete(s.waiting, 0, n)
}

// follow follows the readings that begin at this offset.
func (s *search) follow() {
	n, inside := 0, s.inside
	for ; n < len(s.all) && s.all[n].start <= s.at; n++ {
		r := s.all[n]
		if r.start < s.at || slices.ContainsFunc(s.all[:n], r.same) {
			continue // inside a character, or in several layers
		}
		inside = max(inside, r.end)
		next := arrival{at: r.end, partials: s.emptyList()}
		for _, p := range s.live.list {
			if s.read(&p, r) {
				s.steps -= next.add(p)
			}
		}
		if r.chars != "" {
			if p := (partial{place: s.root, start: s.at}); s.read(&p, r) {
				s.steps -= next.add(p)
			}
		}
		s.wait(next)
	}
	s.all, s.inside = s.all[n:], inside
}

// emptyList returns partials in a list that was used before, if there is one.
func (s *search) emptyList() partials {
	last := len(s.spare) - 1
	if last < 0 {
		return partials{}
	}
	list := s.spare[last]
	s.spare = s.spare[:last]
	return partials{list: list}
}

// wait keeps partials until the offset is reached where they continue.
func (s *search) wait(next arrival) {
	if len(next.list) == 0 {
		s.spare = append(s.spare, next.list)
		return
	}
	i := len(s.waiting)
	for i > 0 && s.waiting[i-1].at > next.at {
		i--
	}
	s.waiting = slices.Insert(s.waiting, i, next)
}

// plain reads the character at this offset as itself.
func (s *search) plain() {
	if s.cut && strings.HasPrefix(s.text[s.at:], ellipsis) {
		s.cutHere()
	}
	letters, width := s.text[s.at:s.at+1], 1
	if s.folded {
		letters, width = foldedNext(s.text[s.at:])
	}
	r := reading{start: s.at, end: s.at + int32(width), chars: letters}
	s.at = r.end
	if letters == "" {
		return
	}
	if s.folded && letters[0] == barrier {
		s.hidden = s.at
	}
	list := s.live.list
	s.steps -= len(list)
	for i := 0; i < len(list); {
		if list[i].next(letters) {
			s.ends(&list[i], r)
			i++
			continue
		}
		last := len(list) - 1 // the order does not matter
		list[i] = list[last]
		list = list[:last]
	}
	if s.mayStart(r) {
		if p := (partial{place: s.root, start: r.start}); s.read(&p, r) {
			list = append(list, p)
		}
	}
	s.live = partials{list: list} // each in a place of its own still
}

// mayStart reports whether a pattern can begin with the reading and the byte behind it.
func (s *search) mayStart(r reading) bool {
	if len(r.chars) > 1 {
		return s.tree.mayStart(r.chars[0], r.chars[1])
	}
	if int(r.end) >= len(s.text) || len(s.all) > 0 && s.all[0].start <= r.end {
		return true // there is more than one way to go on
	}
	c := s.text[r.end]
	if s.folded {
		if !asciiLetterOrDigit(c) {
			return true
		}
		c |= 0x20 // a letter in lower case, a digit as it is
	}
	return s.tree.mayStart(r.chars[0], c)
}

// read continues a partial with a reading and reports whether a pattern continues so.
func (s *search) read(p *partial, r reading) bool {
	s.steps--
	if r.chars == "" {
		switch {
		case !p.inside:
		case r.tag:
			p.skipped += skippedTag
		default:
			p.skipped++
		}
		return p.skipped <= maxSkipped
	}
	if !p.next(r.chars) {
		return false
	}
	s.ends(p, r)
	return true
}

// ends notes that a reading is the last one of the partial, and records it if a pattern ends there.
func (s *search) ends(p *partial, r reading) {
	p.end, p.skipped = r.end, 0
	p.inside = p.inside || r.start < s.inside
	if p.node.ends && int(p.at) == len(p.node.label) {
		s.record(p)
	}
}

// record records what was found of a pattern.
func (s *search) record(p *partial) {
	if last := len(s.found) - 1; last >= 0 && s.found[last].start == int(p.start) {
		s.found[last].end = max(s.found[last].end, int(p.end))
		return
	}
	s.found = append(s.found, span{int(p.start), int(p.end)})
}

// cutHere records the beginnings of patterns before the offset, where the text may be cut. It was not cut inside a pattern if there
// is a *** behind what was found of it.
func (s *search) cutHere() {
	for i := range s.live.list {
		if p := &s.live.list[i]; s.cut && p.depth >= minFolded && p.node.cut && p.end > s.hidden {
			s.record(p)
		}
	}
}
