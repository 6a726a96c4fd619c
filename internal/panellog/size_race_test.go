//go:build race

package panellog_test

// hostileSize is the size of hostile texts in bytes. The race detector makes each search ten times as slow and finds nothing more
// in a longer text.
const hostileSize = 1 << 15
