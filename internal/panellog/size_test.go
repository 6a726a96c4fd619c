//go:build !race

package panellog_test

// hostileSize is the size of hostile texts in bytes: a search that is quadratic takes hours for it.
const hostileSize = 1 << 19
