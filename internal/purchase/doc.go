// Package purchase spends money once (rules BUY-1 to BUY-22): it saves the intent before the seller is asked, writes the id
// down right after, looks for purchases whose answer was lost, and lets the administrator resolve what stays unclear.
package purchase
