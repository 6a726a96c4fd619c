// Package plan computes the certificates that a paid term needs and shows them as text, XML or SVG (rules SWEEP-7).
package plan
