// Package plan shows a paid term on paper: the certificates that it needs, as text, XML or SVG (rules SWEEP-7).
package plan
