package hostpanel

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"

	"pmssl/internal/sandbox/standin"
)

// Levels of users.
const (
	LevelAdmin = "admin" // sees every zone and whose it is
	LevelUser  = "user"  // sees the own zones, without the column of their owner
)

// The user that a new panel has.
const (
	DefaultUser     = "pmssl"
	DefaultPassword = "sandbox-Host&Pass=1"
)

// User is somebody who may log in, or who owns zones.
type User struct {
	Name     string `json:"name"`
	Password string `json:"password,omitempty"`
	Level    string `json:"level"`
	// Functions are those that the user may call; empty for all of its level.
	Functions []string `json:"functions,omitempty"`
}

// Zone is a zone with its records, in the order in which they were added. Names are A-labels without a final dot.
type Zone struct {
	Name    string   `json:"name"`
	Owner   string   `json:"owner"`
	Slave   bool     `json:"slave,omitempty"`
	Records []Record `json:"records"`
	Serial  uint32   `json:"serial"`
}

// Record is one record. Names are full names without a final dot; values are as in a zone file, names in them with a final dot, a
// TXT record's text without quotes.
type Record struct {
	Name  string `json:"name"`
	TTL   int    `json:"ttl"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// key is the panel's key of a record, as recorded by a client.
func (r Record) key() string { return fmt.Sprintf("%s. %s  %s", r.Name, r.Type, r.Value) }

// Settings are how the panel behaves.
type Settings struct {
	// Confirm: changes are answered with a document `confirm` until they come with sok=yes.
	Confirm bool `json:"confirm"`
	// RefererConfirm: changes without a Referer of the panel's own are answered with an error referer_confirm until they come with one
	// and sok=yes.
	RefererConfirm bool `json:"referer_confirm"`
	// Unicode shows names with U-labels in lists.
	Unicode bool `json:"unicode"`
	// ShortNames shows records' names relative to the zone, and @ for the zone itself.
	ShortNames bool `json:"short_names"`
	// Quotes shows the text of TXT records in quotes.
	Quotes bool `json:"quotes"`
	// Metadata describes forms as the panel's own pages see them.
	Metadata bool `json:"metadata"`
	// LaxCNAME accepts a CNAME beside other records, which DNS then does not serve.
	LaxCNAME bool `json:"lax_cname"`
	// MinTTL is the lowest TTL that is accepted, in seconds.
	MinTTL int `json:"min_ttl"`
	// AllAtOnce sends whole lists whatever page is asked for, without the number of rows.
	AllAtOnce bool `json:"all_at_once"`
	// AppendZone takes every name of a new record as relative to the zone.
	AppendZone bool `json:"append_zone"`
	// SessionLife is how long a session lives without a request.
	SessionLife standin.Duration `json:"session_life"`
	// Fields renames fields of forms: "FUNCTION NAME" to the other name.
	Fields map[string]string `json:"fields,omitempty"`
	// ExtraField is a required field that the forms of sites and certificates have as well; empty for none.
	ExtraField string `json:"extra_field"`
	// HideCertificates shows no certificate on the page with a certificate's data.
	HideCertificates bool `json:"hide_certificates"`
	// LongChoices names certificates in the form of a site by owner and name.
	LongChoices bool `json:"long_choices"`
	// AliasColumn shows the aliases of sites in their list.
	AliasColumn bool `json:"alias_column"`
	// ResetFields empties what a submitted form of a site does not hold.
	ResetFields bool `json:"reset_fields"`
	// Lockout is after how many wrong passwords a user is locked out, 0 for never.
	Lockout int `json:"lockout"`
}

// DefaultSettings returns how a panel behaves as it is installed.
func DefaultSettings() Settings {
	return Settings{Unicode: true, Metadata: true, MinTTL: 60, SessionLife: standin.Duration(time.Hour), Lockout: 5}
}

// State is what can be seen of a panel.
type State struct {
	Users []User `json:"users"` // without passwords
	Zones []Zone `json:"zones"`
	Sites []Site `json:"sites"`
	// Certificates are without their keys.
	Certificates []Certificate `json:"certificates"`
	Settings     Settings      `json:"settings"`
	Frozen       bool          `json:"frozen"` // DNS answers from an earlier state
	Sessions     int           `json:"sessions"`
}

// ErrUnknown is that no zone or certificate has the name.
var ErrUnknown = errors.New("unknown")

// Config is what a panel is made of.
type Config struct {
	Now    func() (time.Time, error)
	Random io.Reader // of sessions
}

// Panel is the stand-in. It is safe for concurrent use.
type Panel struct {
	now    func() (time.Time, error)
	random io.Reader
	faults standin.FaultSet[Fault]
	log    standin.Log[LogEntry]

	mu       sync.Mutex
	settings Settings
	users    []User
	zones    []Zone
	sites    []Site
	lastSite int
	// certificates hold the keys too.
	certificates []certificate
	frozen       []Zone // what DNS answers from while it is frozen; nil otherwise
	sessions     map[string]session
	failures     map[string]int // wrong passwords in a row, by user
}

type session struct {
	user string
	last time.Time
}

// New returns a panel with the default user, an administrator.
func New(c Config) *Panel {
	return &Panel{
		now: c.Now, random: c.Random, settings: DefaultSettings(), sessions: map[string]session{}, failures: map[string]int{},
		users: []User{{Name: DefaultUser, Password: DefaultPassword, Level: LevelAdmin}},
	}
}

// State returns a copy of everything.
func (p *Panel) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{Users: slices.Clone(p.users), Zones: clone(p.zones), Sites: slices.Clone(p.sites), Certificates: p.shownCertificates(), Settings: p.settings, Frozen: p.frozen != nil, Sessions: len(p.sessions)}
	s.Settings.Fields = maps.Clone(s.Settings.Fields)
	for i := range s.Users {
		s.Users[i].Password = ""
	}
	return s
}

func clone(zones []Zone) []Zone {
	all := slices.Clone(zones)
	for i := range all {
		all[i].Records = slices.Clone(all[i].Records)
	}
	return all
}

// PutUser adds a user, or changes the one of this name and lets it log in again.
func (p *Panel) PutUser(u User) error {
	if u.Name == "" || u.Level != LevelAdmin && u.Level != LevelUser {
		return fmt.Errorf("a user has a name and a level, %s or %s", LevelAdmin, LevelUser)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.failures, u.Name)
	if i := slices.IndexFunc(p.users, func(o User) bool { return o.Name == u.Name }); i >= 0 {
		p.users[i] = u
		return nil
	}
	p.users = append(p.users, u)
	return nil
}

// PutZone adds a zone with its records, or replaces the one of this name and owner.
func (p *Panel) PutZone(z Zone) error {
	z.Name = strings.ToLower(strings.TrimSuffix(z.Name, "."))
	if z.Name == "" || z.Owner == "" {
		return errors.New("a zone has a name and an owner")
	}
	for i, r := range z.Records {
		r, err := checked(r, z.Name)
		if err != nil {
			return err
		}
		z.Records[i] = r
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	z.Serial = max(z.Serial, 1)
	if i := slices.IndexFunc(p.zones, func(o Zone) bool { return o.Name == z.Name && o.Owner == z.Owner }); i >= 0 {
		z.Serial = p.zones[i].Serial + 1
		p.zones[i] = z
		return nil
	}
	p.zones = append(p.zones, z)
	return nil
}

// RemoveZone removes all zones of the name.
func (p *Panel) RemoveZone(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.zones = slices.DeleteFunc(p.zones, func(z Zone) bool { return z.Name == name })
}

// AddRecord adds a record to a zone without the panel's checks, as somebody else's change.
func (p *Panel) AddRecord(zone string, r Record) error {
	r, err := checked(r, zone)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	z := p.zone(zone)
	if z == nil {
		return fmt.Errorf("%w zone %s", ErrUnknown, zone)
	}
	z.Records = append(z.Records, r)
	z.Serial++
	return nil
}

// Freeze lets DNS answer from the zones as they are now until Thaw, as a secondary that is behind.
func (p *Panel) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = append(clone(p.zones), Zone{})
}

// Thaw ends Freeze.
func (p *Panel) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = nil
}

// SetSettings changes how the panel behaves.
func (p *Panel) SetSettings(s Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = s
}

// EndSessions forgets all sessions.
func (p *Panel) EndSessions() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.sessions)
}

// zone returns the first zone of a name; nil if there is none.
func (p *Panel) zone(name string) *Zone {
	for i := range p.zones {
		if p.zones[i].Name == name {
			return &p.zones[i]
		}
	}
	return nil
}

// checked returns a record in its form, or why it is none of the zone.
func checked(r Record, zone string) (Record, error) {
	r.Name = strings.ToLower(strings.TrimSuffix(r.Name, "."))
	r.Type = strings.ToUpper(r.Type)
	if r.TTL == 0 {
		r.TTL = 3600
	}
	if r.Name != zone && !strings.HasSuffix(r.Name, "."+zone) {
		return r, fmt.Errorf("%s is not in the zone %s", r.Name, zone)
	}
	_, err := r.rr(r.Name)
	return r, err
}

// rr returns the record as DNS has it, at a name.
func (r Record) rr(name string) (dns.RR, error) {
	value := r.Value
	if r.Type == "TXT" {
		if len(value) > 255 || strings.ContainsAny(value, "\"\\\n") {
			return nil, errors.New("the text has more than 255 characters, or quotes")
		}
		value = `"` + value + `"`
	} else if strings.ContainsAny(value, "\n;()") {
		return nil, errors.New("the value has characters of zone files")
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s. %d IN %s %s", name, r.TTL, r.Type, value))
	if err == nil && rr == nil {
		err = errors.New("the record is empty")
	}
	return rr, err
}
