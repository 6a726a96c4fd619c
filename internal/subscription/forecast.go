package subscription

import (
	"context"
	"time"

	"pmssl/internal/cabforum"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/lifecycle"
	"pmssl/internal/pki"
	"pmssl/internal/publish"
	"pmssl/internal/watch"
)

// Actions of a Forecast. Those of the sweep are named as in its document (rules SWEEP-5).
const (
	ForecastReissue = actionReissue // the sweep requests the next certificate
	ForecastNotify  = actionNotify  // the sweep writes to the client
	ForecastSync    = actionWait    // the sweep asks the seller how far the order is
	ForecastDeliver = "deliver"     // the sweep delivers the certificate, or looks whether it is served
	ForecastRenew   = "renew"       // the paid term ends: the panel renews it if the client pays
	ForecastNone    = actionNone    // the sweep does nothing until somebody acts
)

// Forecast is what the sweep does next about an item if nothing happens until then.
type Forecast struct {
	Action string    // one of the constants
	At     time.Time // UTC; zero for ForecastNone
	// Reason says why nothing is done before, or at all: a reason of the sweep's document; empty if there is none.
	Reason string
	// Revoked says that the certificate in place is known to be revoked, Answered that all was done about it that is done without
	// a person.
	Revoked, Answered bool
	// Expired says that the certificate's end has passed.
	Expired bool
	// Told says that the client was told about this certificate and has to act.
	Told bool
	// Undone says that the certificate is due and that nothing is done about it, because the policy is none.
	Undone bool
}

// Forecaster foretells what the sweep does next about items. It decides by the sweep's own functions, and changes nothing.
type Forecaster struct {
	sweep    *sweep
	delivers bool
	mails    bool // SSLSubscriptionMailFrom is set
	watches  bool
}

// NewForecaster reads the panel's settings.
func NewForecaster(ctx context.Context, run *item.Run) (*Forecaster, error) {
	s := &sweep{Run: run, at: run.Now(), dry: true}
	settings, _, err := item.SubscriptionSettings(ctx, run.Panel) // the sweep logs the warnings
	if err != nil {
		return nil, err
	}
	s.settings = settings
	if err := s.readRotation(ctx); err != nil {
		return nil, err
	}
	f := &Forecaster{sweep: s, delivers: run.Delivering != nil && run.Delivering.Mode() == publish.On}
	if f.mails, err = s.hasSender(ctx); err != nil {
		return nil, err
	}
	watches, _, _, err := item.WatchSettings(ctx, run.Panel)
	f.watches = run.Watch != nil && watches.On
	return f, err
}

// hasSender reports whether mails to clients have a sender.
func (s *sweep) hasSender(ctx context.Context) (bool, error) {
	from, err := s.Panel.Setting(ctx, item.SettingMailFrom)
	return from != "", err
}

// Settings returns the reissue policy of the panel.
func (f *Forecaster) Settings() cabforum.Settings { return f.sweep.settings }

// Of returns the forecast for an item. covered says that the sweep covers it (rules SWEEP-2), open that an operation of the panel
// for it is open. stored is the stored certificate; nil if the item has none.
func (f *Forecaster) Of(it item.Item, covered, open bool, stored *pki.Chain) Forecast {
	j := sweptOf(item.NewHandle(f.sweep.Run, it))
	if !covered {
		return f.withDelivery(j, Forecast{Action: ForecastNone, Reason: string(cabforum.ReasonInactive)})
	}
	if j.waits() {
		return f.waiting(j, stored)
	}
	if stored == nil {
		return Forecast{Action: ForecastNone, Reason: string(cabforum.ReasonNoCertificate)}
	}
	if forecast, revoked := f.revoked(j, *stored, open); revoked {
		return f.withDelivery(j, forecast)
	}
	return f.withInstallMail(j, *stored, f.withDelivery(j, f.due(j, *stored, open)))
}

// waiting is the forecast for an item whose order is at the seller: each sweep asks for it.
func (f *Forecaster) waiting(j *sweptItem, stored *pki.Chain) Forecast {
	forecast := Forecast{Action: ForecastSync, At: f.sweep.at, Reason: string(cabforum.ReasonUnderWay)}
	if j.ID() == 0 {
		forecast = Forecast{Action: ForecastNone, Reason: "no order yet"}
	}
	if stored != nil {
		forecast.Expired = !f.sweep.at.Before(stored.Leaf.NotAfter)
		r := j.Revocation()
		forecast.Revoked = r.Serial == stored.Serial()
	}
	return forecast
}

// revoked is the forecast for an item whose certificate in place is known to be revoked; false if it is not.
func (f *Forecaster) revoked(j *sweptItem, stored pki.Chain, open bool) (Forecast, bool) {
	s, r := f.sweep, j.Revocation()
	if r.Serial == "" || r.Serial != stored.Serial() {
		return Forecast{}, false
	}
	forecast := Forecast{Action: ForecastNone, Reason: reasonRevoked + string(r.Reason), Revoked: true, Answered: s.policyDone(r),
		Expired: !s.at.Before(stored.Leaf.NotAfter), Told: r.WasTold(r.Serial, item.NoticeRevoked, item.NoticeNewKey)}
	end := j.TermEnd()
	switch {
	case forecast.Answered, s.settings.Policy == cabforum.PolicyNone, !end.IsZero() && !cabforum.DateOf(s.at).Before(end):
		return forecast, true
	case open || j.Unanswered():
		forecast.Action = ForecastSync
	default:
		forecast.Action = f.revokedAction(j, r)
	}
	if forecast.Action != ForecastNone {
		forecast.At = s.at
	}
	return forecast, true
}

// revokedAction returns what the sweep does about a revoked certificate that it has not answered.
func (f *Forecaster) revokedAction(j *sweptItem, r lifecycle.Revocation) string {
	switch f.sweep.revokedStep(j, entryOf(r)) {
	case revokedNewKey:
		if f.sweep.rotatesKnownKey(j) {
			return ForecastReissue
		}
		return ForecastNotify
	case revokedNotify:
		return ForecastNotify
	case revokedReissue:
		if r.Task == "" && j.RevokedReissueRefused() == "" {
			return ForecastReissue
		}
	}
	return ForecastNone
}

// due is the forecast for an item by the end of its certificate.
func (f *Forecaster) due(j *sweptItem, stored pki.Chain, open bool) Forecast {
	s := f.sweep
	check := s.checkOf(j, stored, open)
	decision := check.Decide(s.at)
	forecast := Forecast{Action: ForecastNone, Reason: string(decision.Reason), Expired: decision.Expired}
	at, due := check.NextDue(s.at)
	switch {
	case decision.Reason == cabforum.ReasonUnderWay:
		forecast.Action, forecast.At, forecast.Reason = ForecastSync, s.at, string(cabforum.ReasonUnderWay)
	case due:
		f.whenDue(j, stored, &forecast, at)
	case decision.Reason == cabforum.ReasonPaidEnd:
		forecast.Action, forecast.At = ForecastRenew, j.TermEnd().Midnight()
	}
	return forecast
}

// whenDue writes into the forecast what is done when the certificate is due.
func (f *Forecaster) whenDue(j *sweptItem, stored pki.Chain, forecast *Forecast, at time.Time) {
	step := f.sweep.dueStep(j)
	forecast.Told = (step == dueNotify || step == dueImported) && j.notified()
	switch {
	case step == dueNothing:
		forecast.Reason, forecast.Undone = string(cabforum.ReasonPolicy), !at.After(f.sweep.at)
	case forecast.Told:
		forecast.Reason = "told already"
	case step == dueNotify:
		forecast.Action, forecast.At = ForecastNotify, at
	case step == dueImported && !at.After(f.sweep.at) && j.missedCSR(stored):
		forecast.Action, forecast.At, forecast.Reason = ForecastNotify, at, reasonNoCSR
	default:
		forecast.Action, forecast.At = ForecastReissue, at
	}
}

// withDelivery returns the forecast, or that of a delivery if that comes first.
func (f *Forecaster) withDelivery(j *sweptItem, forecast Forecast) Forecast {
	raw := j.Item.Params[itemparam.Delivery]
	if !f.delivers || raw == "" {
		return forecast
	}
	return earlier(forecast, ForecastDeliver, lifecycle.NextDelivery(raw, f.sweep.at))
}

// withInstallMail returns the forecast, or that of the mail about a site that serves an old certificate if that comes first. What
// the site serves then is not known, so only the end of the certificate in place counts.
func (f *Forecaster) withInstallMail(j *sweptItem, stored pki.Chain, forecast Forecast) Forecast {
	record, known := watch.ParseRecord(j.Item.Params[itemparam.SiteWatch])
	if !known || !f.mails || !f.watches || f.sweep.settings.Policy == cabforum.PolicyNone || record.Serial != stored.Serial() {
		return forecast
	}
	if _, _, pending := j.InstallTold(); pending {
		return forecast
	}
	at, due := record.NextMail(stored.Leaf.NotAfter, f.sweep.at)
	if !due {
		return forecast
	}
	return earlier(forecast, ForecastNotify, at)
}

// earlier returns the forecast, or another action if that comes before it.
func earlier(forecast Forecast, action string, at time.Time) Forecast {
	if forecast.At.IsZero() || at.Before(forecast.At) {
		forecast.Action, forecast.At = action, at
	}
	return forecast
}

// ForecastActions lists all actions of forecasts.
func ForecastActions() []string {
	return []string{ForecastReissue, ForecastNotify, ForecastSync, ForecastDeliver, ForecastRenew, ForecastNone}
}
