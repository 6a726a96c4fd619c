package command

// WithDryPanel calls f with the panel that a dry run's commands see.
func WithDryPanel(run *Run, f func(Panel)) {
	if err := run.beginDryRun(); err != nil {
		panic(err)
	}
	f(run.Panel)
}
