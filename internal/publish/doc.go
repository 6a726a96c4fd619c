// Package publish puts challenges into DNS zones and web servers of the provider, checks that they are seen and takes them
// away again, for names that the panel's data shows to be the client's own (docs/reference/unattended.md §3 to §6).
//
// It decides nothing about orders: lifecycle says what is to be published, and records it on the item first.
package publish
