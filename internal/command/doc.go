// Package command holds the commands that the panel starts: one function each, which parses its arguments, calls one of
// the engines (subscription, plan, lifecycle, purchase, item) and answers.
package command
