// Package panelweb is the page of the stand-in panel: what the administrator of a hosting provider and his client see and do with
// the modules, in English, Russian or Spanish. It needs no JavaScript. It is for the person at this machine alone: it answers for
// loopback names only, and changes something only for its own forms.
package panelweb
