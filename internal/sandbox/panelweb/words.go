package panelweb

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed words/words.json templates/*.html
var files embed.FS

// words are the page's own words, by key and language. Words that the panel or the modules have are theirs.
type words map[string]map[string]string

func readWords() (words, error) {
	text, err := files.ReadFile("words/words.json")
	if err != nil {
		return nil, err
	}
	var all words
	return all, json.Unmarshal(text, &all)
}

// text returns a word, with its places filled in. A key that is missing is shown as it is.
func (w words) text(lang, key string, args ...any) string {
	text, there := w[key][lang]
	if !there {
		return key
	}
	if len(args) > 0 {
		return fmt.Sprintf(text, args...)
	}
	return text
}

// has reports whether there is a word for a key.
func (w words) has(key string) bool { return len(w[key]) > 0 }

// parseTemplates returns the templates of each page in each language.
func parseTemplates(w words) (map[string]*template.Template, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	shared := []string{"templates/layout.html", "templates/parts.html"}
	all := map[string]*template.Template{}
	for _, lang := range languages() {
		for _, name := range names {
			if slices.Contains(shared, name) {
				continue
			}
			page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
			parsed, err := template.New(page).Option("missingkey=error").Funcs(w.functions(lang)).ParseFS(files, append(shared, name)...)
			if err != nil {
				return nil, err
			}
			all[lang+" "+page] = parsed
		}
	}
	return all, nil
}

// functions are what templates call.
func (w words) functions(lang string) template.FuncMap {
	return template.FuncMap{
		"lang": func() string { return lang },
		"t": func(key string, args ...any) (string, error) {
			if !w.has(key) {
				return "", fmt.Errorf("no word %q", key)
			}
			return w.text(lang, key, args...), nil
		},
		// named returns the word for a value that the panel or a module has, or the value itself if it is a new one.
		"named": func(kind, value string) string { return w.named(lang, kind, value) },
		"date": func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.UTC().Format(time.DateOnly)
		},
		"day": func(text string) string { return text[:min(len(text), len(time.DateOnly))] },
		"in":  func(value string, all ...string) bool { return slices.Contains(all, value) },
		"native": func(lang string) string {
			return map[string]string{"en": "English", "ru": "Русский", "es": "Español"}[lang]
		},
		"money": money,
		"part":  func(pairs ...any) (map[string]any, error) { return part(pairs) },
	}
}

// named returns the word for a value of a kind, or the value itself if there is none.
func (w words) named(lang, kind, value string) string {
	if w.has(kind + "_" + value) {
		return w.text(lang, kind+"_"+value)
	}
	return value
}

// part makes the data of a part of a page from names and values.
func part(pairs []any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("%d values are not pairs", len(pairs))
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, is := pairs[i].(string)
		if !is {
			return nil, fmt.Errorf("%v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// money returns an amount of the panel's database with two decimals, or a dash if it is not known.
func money(amount string) string {
	value, err := strconv.ParseFloat(amount, 64)
	if err != nil {
		return "–"
	}
	return strconv.FormatFloat(value, 'f', 2, 64)
}
