// Package notify composes what clients are told by mail about their certificates and hands it to the server's own mail
// transfer agent (MTA): the sendmail program where one is installed, else SMTP on this machine.
//
// Texts are templates that an administrator can edit (Mailer.TemplateDir); the same files are built in, and a broken
// copy never keeps a client from being told. Everything that comes in NoticeData may be written by a client or a seller: it
// is stripped of control characters and bounded before it reaches a header or a line of text.
package notify
