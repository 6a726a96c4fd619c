package command

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"github.com/beevik/etree"

	"pmssl/internal/doctor"
	"pmssl/internal/fault"
	"pmssl/internal/item"
)

// Doctor examines the installation and prints what it found, with the mend below each failure. It changes nothing; --probe and
// --mail are the exceptions. If a check failed, the exit code is 1.
func Doctor(ctx context.Context, run *item.Run) (*etree.Document, error) {
	switch {
	case run.Diagnosis == nil:
		return nil, fault.Errorf(fault.Internal, "doctor", "this program cannot examine an installation")
	case run.Args.Probe && run.Args.Item == 0:
		return nil, fault.Errorf(fault.Missed, "item", "--probe writes a test record for a name of an item: add --item N")
	}
	report := doctor.Examine(ctx, doctor.Options{
		Diagnosis: *run.Diagnosis, Binary: run.Binary, Info: run.Info, Now: run.Now, Item: run.Args.Item, Module: run.Args.Module,
		Probe: run.Args.Probe, Recipient: run.Args.Mail, Protect: run.CriticalSection, Random: randomName(run.Rand),
	})
	run.Failed = report.Failed() || ctx.Err() != nil // an examination that was cut short is no good news
	run.Summary = fmt.Sprintf("failed %d, warnings %d, not checked %d", report.Count(doctor.Failed), report.Count(doctor.Warned), report.Count(doctor.Unchecked))
	for _, line := range report.Problems() {
		run.Log.Warningf("%s", line)
	}
	switch run.Format {
	case item.FormatText:
		run.Print = report.Text(run.Styles)
		return nil, nil
	case item.FormatJSON:
		text, err := report.JSON()
		run.Print = text
		return nil, err
	}
	return report.Document(), nil
}

// randomName returns what makes names that nobody can guess, for checks that run at once.
func randomName(from io.Reader) func() (string, error) {
	var mu sync.Mutex
	return func() (string, error) {
		mu.Lock()
		defer mu.Unlock()
		random := make([]byte, 8)
		if _, err := io.ReadFull(from, random); err != nil {
			return "", fmt.Errorf("choosing a random name: %w", err)
		}
		return hex.EncodeToString(random), nil
	}
}
