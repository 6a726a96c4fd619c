// Package panellog writes var/<binary>.log, the log that administrators tail.
//
// It speaks the panel's own dialect: the native line and the ten levels of the
// docs/reference/billmanager.md §8.1, etc/debug.conf of section 8.2, and archives
// under var/logs. Many short processes share one log; what keeps them apart is
// described at the type logFile. Nothing secret is ever written: packages redact by
// field name before they log (RedactForm, RedactXML, RedactArgs), they register
// the values they hold (Logger.Secret), and every entry passes a last filter.
//
// A log that cannot be written never stops a command: one line on stderr says
// so. Stdout is never touched, it belongs to the protocol (rules ARCH-1).
package panellog
