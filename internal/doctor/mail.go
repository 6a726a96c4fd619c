package doctor

import (
	"context"
	"path/filepath"
)

func mailChecks() []Check {
	return []Check{
		{ID: "sender", Group: "Mails to clients", Title: "sender", Needs: []string{"root"}, Limit: panelLimit, run: checkSender,
			About: "`SSLSubscriptionMailFrom` is an address that mails can be sent from. Without it no client is told that a certificate ends."},
		{ID: "mta", Group: "Mails to clients", Title: "mail transport", Limit: panelLimit, run: checkTransport,
			About: "The program of `SSLSendmail` can be started, or there is a sendmail program, or a mail server greets at 127.0.0.1:25 as one of SMTP. No mail is sent."},
		{ID: "templates", Group: "Mails to clients", Title: "edited texts", Needs: []string{"root"}, Limit: panelLimit, run: checkTemplates,
			About: "Each file in `etc/pmssl/templates` has a name that a mail has, and can be filled in with sample data. Where one cannot, clients get the built-in text."},
		{ID: "test_mail", Group: "Mails to clients", Title: "test mail", Needs: []string{"sender", "mta"}, Limit: probeLimit, run: sendTest,
			Applies: func(x *examination) bool { return x.o.Recipient != "" },
			About:   "With `--mail ADDRESS`: a mail to this address is handed to the mail transport. Whether it arrives is seen in the mailbox only."},
	}
}

func checkSender(ctx context.Context, x *examination) []Finding {
	address, err := x.o.Diagnosis.Mail.Sender(ctx)
	if err != nil {
		return []Finding{because("write into etc/billmgr.conf: SSLSubscriptionMailFrom noreply@your-domain", err)}
	}
	return []Finding{passed("%s", address)}
}

func checkTransport(ctx context.Context, x *examination) []Finding {
	via, err := x.o.Diagnosis.Mail.Transport(ctx)
	if err != nil {
		return []Finding{because("install and start a mail server (apt-get install postfix), or write its program into etc/billmgr.conf: SSLSendmail /path/to/sendmail", err)}
	}
	return []Finding{passed("%s", via)}
}

func checkTemplates(ctx context.Context, x *examination) []Finding {
	edited, problems := x.o.Diagnosis.Mail.Templates(ctx)
	var found []Finding
	for _, problem := range problems {
		found = append(found, because("correct the line, or remove the file: the built-in text is used then (internal/notify/templates/README.md explains the fields)", problem))
	}
	if len(found) > 0 {
		return found
	}
	return []Finding{passed("%d files in %s replace built-in texts", edited, filepath.Join(x.o.Root, "etc/pmssl/templates"))}
}

func sendTest(ctx context.Context, x *examination) []Finding {
	if err := x.o.Diagnosis.Mail.Test(ctx, x.o.Recipient); err != nil {
		return []Finding{because("read the mail server's log: journalctl -u postfix -u exim4, or /var/log/mail.log", err)}
	}
	return []Finding{passed("a mail to %s was accepted; look into the mailbox", x.o.Recipient)}
}
