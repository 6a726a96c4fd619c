package publish

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/publicsuffix"

	"pmssl/internal/pki"
	"pmssl/internal/plaintext"
	"pmssl/internal/sorting"
)

// Limits of the configuration.
const (
	maxLine       = 4096 // characters of one line
	maxBlocks     = 1000
	maxBlockZones = 10_000
	maxAllows     = 10_000
	maxWord       = 64 // characters of names and ids that the file chooses
	maxShownWord  = 16 // characters of an unknown word that messages show
)

// ConfFile is one configuration file.
type ConfFile struct {
	Name string // for messages
	Text string
}

// Load reads configuration files, in the order of their names, and checks them as a whole. The first thing that is wrong is
// an error that begins with FILE:LINE: an unknown word, a value out of its bounds, a word that is missing, two publishers
// or two deploy blocks with one name, or two that are for the same zone.
func Load(files []ConfFile) (Config, error) {
	p := parse(files)
	if p.wrong != nil {
		return Config{}, p.wrong
	}
	if err := sameZone(p.config.Publishers); err != nil {
		return Config{}, err
	}
	if err := sameDeployZone(p.config.Deploys); err != nil {
		return Config{}, err
	}
	return p.config, nil
}

// Readable returns what can be read of a configuration that Load refuses: the publishers without a mistake whose names stand
// once, and the allow lines without a mistake. That is enough to remove records and not enough to write anything: what cannot
// be read may speak against a publisher or an account.
func Readable(files []ConfFile) Config {
	p := parse(files)
	publishers := slices.DeleteFunc(p.config.Publishers, func(b Block) bool { return p.unclear["publisher"][b.Name] })
	return Config{Publishers: publishers, Allows: p.config.Allows}
}

func parse(files []ConfFile) *parser {
	p := &parser{
		names:   map[string]map[string]string{"publisher": {}, "deploy": {}},
		unclear: map[string]map[string]bool{"publisher": {}, "deploy": {}},
	}
	files = slices.Clone(files)
	sorting.Func(files, func(a, b ConfFile) int { return strings.Compare(a.Name, b.Name) })
	for _, file := range files {
		p.file(file)
	}
	return p
}

// parser reads one file after the other.
type parser struct {
	config  Config
	names   map[string]map[string]string // first word and name of each block, and its FILE:LINE
	block   *openBlock                   // that the words belong to; nil outside of one
	pos     string                       // FILE:LINE of the line that is read
	wrong   error                        // the first mistake
	unclear map[string]map[string]bool   // first word and name of blocks with a mistake
	skips   bool                         // the words that follow belong to a line or block with a mistake
}

// openBlock is the block that is read.
type openBlock struct {
	word, name string // of its first line: publisher ns1
	kind       Kind
	pos        string
	grammar    blockGrammar
	said       map[string]bool // words that stand at most once, and did
	take       func()          // adds the block to the configuration
}

// file reads a file. Its last block ends with it.
func (p *parser) file(file ConfFile) {
	p.pos, p.skips = file.Name+":1", false
	if !utf8.ValidString(file.Text) {
		p.mistake(p.errorf("the file is not text in UTF-8"))
		return
	}
	number := 0
	for line := range strings.Lines(file.Text) {
		number++
		p.pos = file.Name + ":" + strconv.Itoa(number)
		if err := p.line(strings.TrimRight(line, "\r\n")); err != nil {
			p.mistake(err)
		}
	}
	p.end()
}

// mistake notes an error. The block that it stands in cannot be used, and the words up to the next one belong to nothing.
func (p *parser) mistake(err error) {
	if p.wrong == nil {
		p.wrong = err
	}
	if p.block != nil {
		p.unclear[p.block.word][p.block.name] = true
	}
	p.block, p.skips = nil, true
}

// line reads one line: words between blanks or tabs, up to a word that begins with #.
func (p *parser) line(line string) error {
	if len(line) > maxLine {
		return p.errorf("the line is longer than %d characters", maxLine)
	}
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return p.errorf("the line holds a control character")
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	if comment := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); comment >= 0 {
		words = words[:comment]
	}
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "publisher", "deploy":
		return p.begin(words[0], words[1:])
	case "allow":
		return p.allow(words[1:])
	}
	if p.skips {
		return nil
	}
	if p.block == nil {
		return p.errorf("%s outside of a block: possible are publisher NAME KIND, deploy NAME KIND and allow ZONE account N", shownWord(words[0]))
	}
	return p.value(words[0], words[1:])
}

// begin begins a block. If that is not possible, no other block of its name is known to be meant.
func (p *parser) begin(word string, values []string) error {
	p.end()
	p.skips = false
	block, err := p.open(word, values)
	if err == nil {
		err = p.name(block)
	}
	switch {
	case err == nil:
		p.block = block
	case len(values) > 0:
		p.unclear[word][values[0]] = true
	}
	return err
}

// open makes the block of a first line.
func (p *parser) open(word string, values []string) (*openBlock, error) {
	if len(values) != 2 {
		example := map[string]string{"publisher": "ns1 dnsupdate", "deploy": "web7 ispmgr"}[word]
		return nil, p.errorf("%s takes a name and a kind, as in %s %s", word, word, example)
	}
	if !isBlockName(values[0]) {
		return nil, p.errorf("%s is no name of a block: at most 64 letters, digits, and _ . - inside", quoted(values[0]))
	}
	o := &openBlock{word: word, name: values[0], kind: Kind(values[1]), pos: p.pos, said: map[string]bool{}}
	var kinds map[Kind]blockGrammar
	if word == "deploy" {
		d := &Deploy{Name: o.name, Kind: o.kind, Pos: o.pos}
		kinds = deployGrammar(d)
		o.take = func() { p.config.Deploys = append(p.config.Deploys, *d) }
	} else {
		b := &Block{Name: o.name, Kind: o.kind, Pos: o.pos}
		kinds = publisherGrammar(b)
		o.take = func() { p.config.Publishers = append(p.config.Publishers, *b) }
	}
	var known bool
	if o.grammar, known = kinds[o.kind]; !known {
		return nil, p.errorf("%s is no kind of %s: possible are %s", quoted(values[1]), o.what(), list(sortedKeys(kinds)))
	}
	return o, nil
}

// name takes the name of the block that begins.
func (p *parser) name(o *openBlock) error {
	taken := p.names[o.word]
	if other, twice := taken[o.name]; twice {
		return p.errorf("%s %s stands in %s already", o.word, o.name, other)
	}
	if len(taken) >= maxBlocks {
		return p.errorf("there are more than %d %ss", maxBlocks, o.what())
	}
	taken[o.name] = o.pos
	return nil
}

// what names the kind of block in messages.
func (o *openBlock) what() string {
	if o.word == "deploy" {
		return "deploy block"
	}
	return o.word
}

func isBlockName(text string) bool { return consistsOf(text, maxWord, "_.-") && alphanumeric(text[0]) }

// allow reads `allow ZONE account N`.
func (p *parser) allow(values []string) error {
	p.end()
	p.skips = false
	if len(values) != 3 || values[1] != "account" {
		return p.errorf("allow is written as in allow example.com account 77")
	}
	zone, err := zoneName(values[0])
	if err != nil {
		return p.errorf("allow: %w", err)
	}
	if suffix, _ := publicsuffix.PublicSuffix(zone); suffix == zone {
		return p.errorf("allow: %s is a public suffix, whose names belong to many: name the domain below it", zone)
	}
	account, err := number(values[2])
	if err != nil {
		return p.errorf("allow: account %w", err)
	}
	if len(p.config.Allows) >= maxAllows {
		return p.errorf("there are more than %d allow lines", maxAllows)
	}
	p.config.Allows = append(p.config.Allows, Allow{Zone: zone, Account: account, Pos: p.pos})
	return nil
}

// value reads one word of a block.
func (p *parser) value(name string, values []string) error {
	o := p.block
	word, known := o.grammar.words[name]
	if !known {
		return p.errorf("%s is no word of a %s of kind %s: possible are %s", shownWord(name), o.what(), o.kind,
			list(append(sortedKeys(o.grammar.words), "publisher", "deploy", "allow")))
	}
	if o.said[name] && !word.repeats {
		return p.errorf("%s stands twice in %s %s", name, o.word, o.name)
	}
	o.said[name] = true
	if len(values) < word.least || len(values) > word.most {
		return p.errorf("%s is written as in: %s %s", name, name, word.example)
	}
	if err := word.set(values); err != nil {
		return p.errorf("%s: %w", name, err)
	}
	return nil
}

// end checks the block that is read, and takes it.
func (p *parser) end() {
	o := p.block
	if o == nil {
		return
	}
	err := o.grammar.missing(o.said)
	if err == nil && o.grammar.finish != nil {
		err = o.grammar.finish()
	}
	if err != nil {
		p.mistake(fmt.Errorf("%s: %s %s: %w", o.pos, o.word, o.name, err))
		return
	}
	o.take()
	p.block = nil
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", p.pos, fmt.Errorf(format, args...))
}

// sameZone refuses two publishers of one kind of record that are for the same zone: which of them is meant is not said.
func sameZone(blocks []Block) error {
	taken := map[string]Block{}
	for _, b := range blocks {
		for _, zone := range b.Zones {
			for _, kind := range b.Types {
				key := string(kind) + " " + zone
				if other, twice := taken[key]; twice && other.Name != b.Name {
					return fmt.Errorf("%s: zone %s of publisher %s is also a zone of publisher %s (%s), and both write %s: leave it to one of them",
						b.Pos, zone, b.Name, other.Name, other.Pos, kind)
				}
				taken[key] = b
			}
		}
	}
	return nil
}

// sameDeployZone refuses two deploy blocks that name the same zone: which of them is meant is not said.
func sameDeployZone(blocks []Deploy) error {
	taken := map[string]Deploy{}
	for _, d := range blocks {
		for _, zone := range d.Zones {
			if other, twice := taken[zone]; twice && other.Name != d.Name {
				return fmt.Errorf("%s: zone %s of deploy %s is also a zone of deploy %s (%s): leave it to one of them", d.Pos, zone, d.Name, other.Name, other.Pos)
			}
			taken[zone] = d
		}
	}
	return nil
}

// zoneName reads the name of a zone or site: A-labels or U-labels.
func zoneName(text string) (string, error) {
	ascii, err := pki.ASCIIName("zone", text)
	if err != nil || strings.HasPrefix(ascii, "*.") {
		return "", fmt.Errorf("%s is no domain name", quoted(text))
	}
	return ascii, nil
}

// number reads an id of the panel.
func number(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 || n > 1<<31-1 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%s is no id of the panel", quoted(text))
	}
	return n, nil
}

// quoted shows a word of the file that may be anything.
func quoted(text string) string { return strconv.Quote(plaintext.Clip(text, 100)) }

// shownWord shows the first word of a line if it looks like one. Something else may be a secret in the wrong file or line.
func shownWord(text string) string {
	if len(text) <= maxShownWord && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == "" {
		return quoted(text)
	}
	return "the first word (not shown)"
}

// list joins words for a message: a, b and c.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
