// Package panellog writes var/<binary>.log, the module's log for administrators.
//
// It uses the panel's formats: the native line and the ten levels of docs/reference/billmanager.md §8.1, etc/debug.conf of
// docs/reference/billmanager.md §8.2, and archives under var/logs. Many short processes share one log; the type logFile
// describes how. Secrets are never written: packages redact by field name before they log (RedactForm, RedactXML,
// RedactArgs), they register the secret values that they hold (Logger.Secret), and every entry is masked before it is
// written.
//
// A log that cannot be written never stops a command: one line on stderr reports it. Stdout is not used, it belongs to the
// protocol (rules ARCH-1).
package panellog
