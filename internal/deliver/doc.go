// Package deliver brings stored certificates to the servers of the provider that serve them, for sites that the panel's data
// shows to be the client's own, and looks whether the servers show them (docs/reference/unattended.md §7).
//
// It decides nothing about orders: lifecycle says what is to be delivered, and records it on the item first.
package deliver
