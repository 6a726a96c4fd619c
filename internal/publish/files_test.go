package publish_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"pmssl/internal/publish"
)

func write(t *testing.T, path, text string, mode os.FileMode) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func TestASecretStandsAloneInAFileOfRoot(t *testing.T) {
	folder := t.TempDir()
	for _, text := range []string{"Planted-secret", "Planted-secret\n", "  Planted-secret \r\n\n"} {
		for _, mode := range []os.FileMode{0o600, 0o400} {
			got, err := publish.ReadSecret(write(t, filepath.Join(folder, "good"), text, mode))
			require.NoError(t, err)
			assert.Equal(t, "Planted-secret", got)
			require.NoError(t, os.Remove(filepath.Join(folder, "good")))
		}
	}
	good := write(t, filepath.Join(folder, "good"), "Planted-secret", 0o600)
	require.NoError(t, os.Symlink(good, filepath.Join(folder, "link")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(folder, "fifo"), 0o600))
	for path, says := range map[string]string{
		write(t, filepath.Join(folder, "open"), "Planted", 0o644):                        "has the mode 0644, others could read or change it: run chmod 600 " + folder,
		write(t, filepath.Join(folder, "group"), "Planted", 0o660):                       "run chmod 600 ",
		write(t, filepath.Join(folder, "run"), "Planted", 0o700):                         "run chmod 600 ",
		write(t, filepath.Join(folder, "empty"), " \n", 0o600):                           "is empty",
		write(t, filepath.Join(folder, "lines"), "Planted\nPlanted", 0o600):              "holds more than one line",
		write(t, filepath.Join(folder, "binary"), "Planted\x00", 0o600):                  "do not print",
		write(t, filepath.Join(folder, "long"), strings.Repeat("Planted", 1<<10), 0o600): "is longer than 4096 bytes",
		filepath.Join(folder, "link"):                                                    "is a symbolic link",
		filepath.Join(folder, "fifo"):                                                    "is no regular file",
		folder:                                                                           "is no regular file",
		filepath.Join(folder, "missing"):                                                 "no such file",
		"relative":                                                                       "is no absolute path",
	} {
		got, err := publish.ReadSecret(path)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "Planted")
		assert.Empty(t, got)
	}
}

func TestConfigurationFilesAreReadInTheOrderOfTheirNames(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "pmssl")
	got, err := publish.ReadFiles(folder)
	require.NoError(t, err, "without the folder nothing is configured")
	assert.Empty(t, got)

	require.NoError(t, os.Mkdir(folder, 0o755))
	for _, name := range []string{"b.conf", "a.conf", "ns1.key", ".hidden.conf", "a.conf.bak"} {
		write(t, filepath.Join(folder, name), name, 0o600)
	}
	got, err = publish.ReadFiles(folder)
	require.NoError(t, err)
	assert.Equal(t, []publish.ConfFile{{Name: filepath.Join(folder, "a.conf"), Text: "a.conf"}, {Name: filepath.Join(folder, "b.conf"), Text: "b.conf"}}, got)

	require.NoError(t, os.Chmod(folder, 0o777))
	_, err = publish.ReadFiles(folder)
	require.ErrorContains(t, err, "run chmod 700 "+folder)
	require.NoError(t, os.Chmod(folder, 0o700))
	require.NoError(t, os.Chmod(filepath.Join(folder, "b.conf"), 0o640))
	write(t, filepath.Join(folder, "c.conf"), "c.conf", 0o600)
	got, err = publish.ReadFiles(folder)
	require.ErrorContains(t, err, "b.conf has the mode 0640, others could read or change it: run chmod 600 ")
	assert.Equal(t, []publish.ConfFile{{Name: filepath.Join(folder, "a.conf"), Text: "a.conf"}, {Name: filepath.Join(folder, "c.conf"), Text: "c.conf"}}, got,
		"the others come with the error")
	require.NoError(t, os.Remove(filepath.Join(folder, "b.conf")))
	require.NoError(t, os.Symlink("a.conf", filepath.Join(folder, "b.conf")))
	_, err = publish.ReadFiles(folder)
	require.ErrorContains(t, err, "b.conf is a symbolic link")
	require.NoError(t, os.Remove(filepath.Join(folder, "b.conf")))
	write(t, filepath.Join(folder, "b.conf"), strings.Repeat("#", 300<<10), 0o600)
	_, err = publish.ReadFiles(folder)
	require.ErrorContains(t, err, "is longer than")
}

func TestAFileOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file to another user")
	}
	path := write(t, filepath.Join(t.TempDir(), "key"), "Planted", 0o600)
	require.NoError(t, os.Chown(path, 65534, 65534))
	_, err := publish.ReadSecret(path)
	require.ErrorContains(t, err, "does not belong to root: run chown root:root "+path)
}
