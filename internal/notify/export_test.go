package notify

// What templates speak of, for the test that holds the README against it.
type (
	Words    = words
	Record   = record
	File     = file
	Approver = approver
)

// Literal is the name that the SMTP client gives itself.
var Literal = literal

// SetShipped replaces the list of the texts that were ever installed.
func (p *Mailer) SetShipped(list string) { p.shipped = list }
