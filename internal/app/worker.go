package app

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"sync/atomic"

	"pmssl/internal/item"
	"pmssl/internal/publish"
)

// newRun returns the run of the command.
func (s *invocation) newRun() *item.Run {
	services := s.panel
	run := &item.Run{
		Binary: s.program.Name, Args: s.args.Args, Panel: s.panel, Info: s.info, Mailer: mailer{s, s.panel},
		Log: s.rootLog.Named("command"), Now: s.system.Now, Rand: s.system.Rand, Addresses: s.system.Addresses,
		Resolver: newResolver(s.system), Format: s.format, Styles: s.styles, CriticalSection: s.setCritical,
		Sleep: s.system.Sleep, Waits: item.NewWaits(commandWait), Notices: writeNotices,
		Watch: s.watcher(), CRLs: s.revocationLists(), Diagnosis: s.diagnosis(), TempFile: s.tempFile,
		VarDir: filepath.Join(s.root, "var"), Version: s.program.Version, Recorder: s.recorder, Mask: s.secrets.mask,
	}
	if s.row.several {
		// publishers and deliverers are used for the items of all workers, so their panel is no worker's
		services = s.anotherPanel()
		s.beside = append(s.beside, services)
		run.Answered = func() bool { return s.answered.Swap(false) }
		run.Worker = func(ctx context.Context) (*item.Run, func() error, error) { return s.worker(ctx, run) }
	}
	run.Publishing = publish.Limit(&publishing{invocation: s, panel: services}, s.system.Now, s.row.deadline/publishShare)
	run.Delivering = newDelivering(s, services)
	return run
}

// anotherPanel returns a panel with a database connection and locks of its own.
func (s *invocation) anotherPanel() *watchedPanel {
	return &watchedPanel{panelAPI: s.newPanel(s.panelOptions), secrets: s.secrets}
}

// worker is item.Run.Worker for the run of this command.
func (s *invocation) worker(ctx context.Context, run *item.Run) (*item.Run, func() error, error) {
	panel := s.anotherPanel()
	if _, err := panel.Modules(ctx); err != nil { // it connects: the server may have no connection left
		_ = panel.Close()
		return nil, nil, err
	}
	var answered atomic.Bool
	env := s.sellerEnv
	env.SellerCA, env.Answered = sellerCA(s.root, panel.Setting), noteAnswers(&answered)
	worker := *run
	worker.Panel, worker.Info, worker.Mailer, worker.Diagnosis = panel, s.program.Info(env), mailer{s, panel}, nil
	worker.Answered = func() bool { return answered.Swap(false) }
	return &worker, panel.Close, nil
}

// noteAnswers returns seller.Env.Answered that notes that there was an answer.
func noteAnswers(answered *atomic.Bool) func(string, *tls.ConnectionState) {
	return func(string, *tls.ConnectionState) { answered.Store(true) }
}

// sellerCA returns seller.Env.SellerCA: the file of the option, whose path is relative to the panel's root like the panel's own.
func sellerCA(root string, setting func(context.Context, string) (string, error)) func() (string, error) {
	return func() (string, error) {
		file, err := setting(context.Background(), settingSellerCA) // reads a file: no context is needed
		if err == nil && file != "" && !filepath.IsAbs(file) {
			file = filepath.Join(root, file)
		}
		return file, err
	}
}
