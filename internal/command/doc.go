// Package command has one function for each command: it parses the arguments, calls one of the packages below (subscription,
// plan, lifecycle, purchase, item) and returns the document.
package command
