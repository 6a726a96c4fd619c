package sellertest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pmssl/internal/fault"
)

// Recorded runs read, as a subtest, for each recorded answer of the seller: the files in the directory that match the
// pattern. The recordings are outside the repository. Without any, the test is skipped, except with CI=true, where they
// must exist.
func Recorded(t *testing.T, folder, pattern string, read func(t *testing.T, name, answer string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, pattern))
	require.NoError(t, err)
	if len(files) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the folder %s is missing", folder)
		}
		t.Skipf("did not run: the folder %s is missing", folder)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			answer, err := os.ReadFile(file)
			require.NoError(t, err)
			read(t, filepath.Base(file), string(answer))
		})
	}
}

// RequireFault ends the test if the error is not a fault of the type, and returns the fault.
func RequireFault(t *testing.T, err error, kind string) *fault.Error {
	t.Helper()
	var failure *fault.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Type, "%v", err)
	return failure
}
