package app

import (
	"context"
	"path/filepath"
	"strings"

	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/notify"
)

// settingSendmail is the option of etc/billmgr.conf with the path of the sendmail program (rules CLI-2).
const settingSendmail = "SSLSendmail"

// mailer sends notices to clients through the server's own mail transport. It reads the settings for each notice.
type mailer struct {
	run      *invocation
	settings item.Settings
}

// Send implements item.Mailer.
func (m mailer) Send(ctx context.Context, n item.Notice) error {
	s := m.run
	from, err := m.settings.Setting(ctx, item.SettingMailFrom)
	if err != nil {
		return err
	}
	program, err := m.sendmail(ctx)
	if err != nil {
		return err
	}
	transport := &notify.Mailer{
		From: from, TemplateDir: filepath.Join(s.root, "etc", "pmssl", "templates"), Program: program,
		Now: s.system.Now, Rand: s.system.Rand, Log: s.rootLog.Named("notify"),
	}
	// Order number and challenges come from the seller, whose answer may repeat a secret.
	order := s.secrets.maskValue(strings.TrimSpace(n.Product + " " + n.Order))
	var served []notify.Served
	for _, place := range n.Served {
		served = append(served, notify.Served(place))
	}
	var obstacles []notify.Obstacle
	for _, o := range n.Obstacles {
		obstacles = append(obstacles, notify.Obstacle(o))
	}
	return transport.Send(ctx, notify.NoticeData{
		Kind: notify.Kind(n.Kind), Lang: n.To.Lang, To: n.To.Email, ToName: n.To.Name, Item: n.Item, Panel: n.Panel, Domain: n.Domain, SANs: n.SANs,
		Order: order, Expires: n.Expires, PaidUntil: n.PaidUntil, DaysLeft: n.DaysLeft, Method: n.Method, ChallengeText: s.secrets.maskValue(n.Challenges),
		Serial: n.Serial, Served: served, Obstacles: obstacles, Revoked: notify.Revoked(n.Revoked),
	})
}

// writeNotices is item.Run.Notices.
func writeNotices(folder string) ([]item.WrittenFile, error) {
	files, err := notify.WriteTemplates(folder)
	var all []item.WrittenFile
	for _, file := range files {
		all = append(all, item.WrittenFile(file))
	}
	return all, err
}

// sendmail returns the path of the sendmail program in the settings; empty to use the usual places. PATH is not searched:
// the user who starts the panel must not choose the program that gets the mails.
func (m mailer) sendmail(ctx context.Context) (string, error) {
	program, err := m.settings.Setting(ctx, settingSendmail)
	if err == nil && program != "" && !filepath.IsAbs(program) {
		return "", fault.Errorf(fault.Value, settingSendmail, "%s is %q, it must be an absolute path", settingSendmail, clip(program, maxFaultWord))
	}
	return program, err
}
