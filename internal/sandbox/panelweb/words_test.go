package panelweb

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	all, err := readWords()
	require.NoError(t, err)
	places := regexp.MustCompile(`%[a-z]`)
	for key, texts := range all {
		assert.Len(t, texts, len(languages()), key)
		for _, lang := range languages() {
			assert.NotEmpty(t, strings.TrimSpace(texts[lang]), "%s in %s", key, lang)
			assert.Equal(t, places.FindAllString(texts["en"], -1), places.FindAllString(texts[lang], -1), "%s in %s", key, lang)
		}
	}
}

// kinds are those of words that are named by a value (words.named) or made of a part that a program chooses.
func kinds() []string {
	return []string{"state_", "waits_", "action_", "fault_", "method_", "field_", "did_", "error_"}
}

func TestWordsAndTemplatesFit(t *testing.T) {
	all, err := readWords()
	require.NoError(t, err)
	var sources strings.Builder
	for _, pattern := range []string{"templates/*.html", "*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			sources.Write(text)
			for _, m := range regexp.MustCompile(`\bt "([a-z_]+)"|words\.text\([a-z.]+, "([a-z_]*[a-z])"|\bKey: "([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
				assert.True(t, all.has(m[1]+m[2]+m[3]), "%s needs the word %s", file, m[0])
			}
		}
	}
	for key := range all {
		byValue := slices.ContainsFunc(kinds(), func(kind string) bool { return strings.HasPrefix(key, kind) })
		assert.True(t, byValue || strings.Contains(sources.String(), `"`+key+`"`), "nothing uses the word %s", key)
	}
	for _, s := range spans() {
		assert.True(t, all.has(s.Key), s.Key)
	}
	for _, f := range append(contactFields(), organisationFields()...) {
		assert.True(t, all.has("field_"+f.Name), f.Name)
	}
}

// WCAG 2 1.4.3: text has a contrast of 4.5 to 1; 1.4.11: borders of fields and the focus 3 to 1.
func TestColoursHaveEnoughContrast(t *testing.T) {
	text, err := os.ReadFile("style.css")
	require.NoError(t, err)
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(text), -1)
	require.Len(t, blocks, 2, "light and dark")
	for theme, block := range blocks {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block[1], -1) {
			colours[m[1]] = m[2]
		}
		for _, row := range []struct {
			front, back string
			least       float64
		}{
			{"text", "back", 4.5}, {"text", "card", 4.5}, {"faint", "back", 4.5}, {"faint", "card", 4.5}, {"text", "plain-back", 4.5}, {"accent", "card", 4.5}, {"accent", "back", 4.5},
			{"accent", "accent-back", 4.5}, {"accent-text", "accent", 4.5}, {"good", "good-back", 4.5}, {"warn", "warn-back", 4.5}, {"bad", "bad-back", 4.5}, {"info", "info-back", 4.5},
			{"bad", "card", 4.5}, {"good", "card", 4.5}, {"text", "bad-back", 4.5}, {"text", "warn-back", 4.5}, {"faint", "bad-back", 4.5}, {"faint", "warn-back", 4.5},
			{"field", "card", 3}, {"field", "back", 3}, {"focus", "card", 3}, {"focus", "back", 3},
		} {
			got := contrast(t, colours[row.front], colours[row.back])
			assert.GreaterOrEqual(t, got, row.least, "theme %d: %s on %s", theme, row.front, row.back)
		}
	}
}

// contrast returns the ratio of two colours #rrggbb.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	lighter, darker := luminance(t, a), luminance(t, b)
	if lighter < darker {
		lighter, darker = darker, lighter
	}
	return (lighter + 0.05) / (darker + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	require.Len(t, colour, 7, "a colour is missing")
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		require.NoError(t, err)
		c := float64(value) / 255
		if c <= 0.03928 {
			sum += weight * c / 12.92
		} else {
			sum += weight * math.Pow((c+0.055)/1.055, 2.4)
		}
	}
	return sum
}
