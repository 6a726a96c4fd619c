// Package terminal formats texts for people who read them at a terminal: colours, tables, wrapped lines. It writes nothing and
// imports only the standard library.
package terminal
