// Package notify composes mails to clients about their certificates and hands them to the server's own mail transfer agent
// (MTA): the sendmail program if one is installed, else SMTP on this host.
//
// Texts are templates that an administrator can edit (Mailer.TemplateDir). The same files are built in and are used if an
// edited copy has an error. Clients and sellers may have written any text in NoticeData: control characters are removed and
// its length is limited before it reaches a header or a line of text.
package notify
