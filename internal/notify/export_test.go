package notify

// Types of the fields in templates, for the test that compares them with the README.
type (
	TemplateData = templateData
	Record       = record
	File         = file
	Approver     = approver
	ServedPlace  = served
	NameObstacle = obstacle
)

// Literal returns the name of this host for EHLO.
var Literal = literal

// SetShipped replaces the list of the templates that were ever installed.
func (m *Mailer) SetShipped(list string) { m.shipped = list }
