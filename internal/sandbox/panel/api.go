// Package panel is the stand-in BILLmanager: it creates a panel root and a database, and starts processing
// modules as the panel does (docs/reference/billmanager.md §1, §14). It is an independent reading of the protocol: it
// imports nothing of the product, so that a shared mistake cannot hide.
//
// Every method that starts a module returns the result as a Run. The error is for failures of the stand-in itself (no
// such item, database gone), never for a refusal by the module, which Run.OK reports.
package panel

import (
	"io"
	"time"

	"pmssl/internal/sandbox/panel/root"
)

// Config is the configuration of a stand-in panel.
type Config struct {
	// Root is the directory of the panel (/usr/local/mgr5 on a real host). A root that this package created earlier
	// is used again: its key, its settings and its log are kept.
	Root string
	// DSN is the go-sql-driver address of the database, name included. The database must exist; one that is not
	// empty and whose name does not begin with "pmssl_" is refused.
	DSN string
	// Mgrctl is the program to install as <root>/sbin/mgrctl.
	Mgrctl string
	// Clock is a file with one RFC 3339 instant that is the panel's time; empty means real time. mgrctl reads it too.
	Clock string
	// Env is the environment that modules are started with, as the panel's core would have it; PATH and
	// MGR5_ROOT are added where missing. nil means PATH alone.
	Env []string
	// Now is the real clock, used where Clock is empty. Required.
	Now func() time.Time
	// Random is the source of keys and of padding. Required; crypto/rand.Reader.
	Random io.Reader
	// Key is the panel's key (PKCS#1 or PKCS#8 PEM), unless the root has one. nil makes a new one.
	Key []byte
	// LinkPrograms makes hard links of mgrctl and of the modules, where that is possible, instead of copies. Nobody may write into the
	// programs then.
	LinkPrograms bool
}

// Run is one start of a program, mostly of a module: arguments, input, output and duration.
type Run struct {
	Module   string        `json:"module"`
	Args     []string      `json:"args"`
	Stdin    string        `json:"stdin,omitempty"`
	Stdout   string        `json:"stdout"`
	Stderr   string        `json:"stderr,omitempty"`
	ExitCode int           `json:"exit_code"`        // -1 when a signal ended it
	Signal   string        `json:"signal,omitempty"` // "killed", …
	Duration time.Duration `json:"duration"`
	// Error is the <error> of stdout, or nil if there is none.
	Error *ErrorNode `json:"error,omitempty"`
}

// ErrorNode is an <error> element of a module's document (docs/reference/billmanager.md §6).
type ErrorNode struct {
	Type   string            `json:"type"`
	Object string            `json:"object,omitempty"`
	Value  string            `json:"value,omitempty"` // attribute value, or <param name="value">
	Params map[string]string `json:"params,omitempty"`
}

// Features is a module's features document (docs/reference/billmanager.md §2).
type Features struct {
	ItemTypes    []string      `json:"itemtypes"`
	Params       []Param       `json:"params"`
	CustomParams []CustomParam `json:"customparams"`
	Names        []string      `json:"features"` // feature names
	Templates    []Template    `json:"templates"`
}

// Param is a connection parameter that the module declares.
type Param struct {
	Name    string `json:"name"`
	Crypted bool   `json:"crypted"`
}

// CustomParam is a row of the module's parameter table.
type CustomParam struct {
	Name    string `json:"name"`
	Unique  bool   `json:"unique"`
	Default string `json:"default"`
}

// Template is a certificate product that a tariff can refer to. Its id is the attribute id, or name (older modules).
type Template struct {
	ID         string            `json:"id"`
	Attributes map[string]string `json:"attributes"` // all attributes, id and name included
}

// Connection is the administrator's input in the wizard.
type Connection struct {
	Name   string            `json:"name,omitempty"`   // "" = the module's name
	Params map[string]string `json:"params,omitempty"` // field -> value, in plain text
	// The panel's own settings page.
	OrderPriority int    `json:"orderpriority,omitempty"`
	Department    int64  `json:"department,omitempty"`
	Threshold     string `json:"threshold,omitempty"`
}

// ConnectResult is the result of the wizard, step by step.
type ConnectResult struct {
	ID     int64 `json:"id"`               // processingmodule.id; 0 when the wizard stopped
	Tune   *Run  `json:"tune,omitempty"`   // nil: feature not declared
	Check  *Run  `json:"check,omitempty"`  // nil: feature not declared
	Create *Run  `json:"create,omitempty"` // usercreate; nil: feature not declared
}

// Tariff is a price list entry.
type Tariff struct {
	ItemType string         `json:"itemtype,omitempty"` // itemtype.intname; "" = certificate
	Name     string         `json:"name,omitempty"`
	IntName  string         `json:"intname,omitempty"` // the module's template
	Modules  []int64        `json:"modules,omitempty"` // processingmodule ids that serve it
	Prices   map[int]string `json:"prices,omitempty"`
	// SANs describes the addon altname; nil: the tariff has none.
	SANs *SANAddon `json:"sans,omitempty"`
	// Params go to pricelistparam.
	Params map[string]string `json:"params,omitempty"`
}

// SANAddon is the addon tariff of type altname (docs/reference/billmanager.md §4).
type SANAddon struct {
	Included int   `json:"included,omitempty"` // addonlimit
	Max      int   `json:"max,omitempty"`      // addonmax
	Enum     []int `json:"enum,omitempty"`     // not empty: an enumeration addon with these counts instead of a number
}

// Order is a client's order.
type Order struct {
	Tariff int64  `json:"tariff,omitempty"`
	Module int64  `json:"module,omitempty"` // 0: the tariff's only module, or the first that get_suitable_module names
	Name   string `json:"name,omitempty"`   // item.name; "" = the CSR's common name
	Period int    `json:"period,omitempty"` // months
	CSR    string `json:"csr,omitempty"`
	Key    string `json:"key,omitempty"` // PEM; stored in certificate.pkey
	// AltNames become the itemparam altname, blank-separated.
	AltNames []string `json:"altnames,omitempty"`
	// ExtraSANs is the number of names that the client bought beyond the included ones (the addon's intvalue, or its enum value);
	// a negative number makes no addon item.
	ExtraSANs int `json:"extra_sans,omitempty"`
	// Params are further itemparams: approver_method, approver_email, adm_fname …
	Params map[string]string `json:"params,omitempty"`
	// Crypted are itemparams that are stored encrypted.
	Crypted map[string]string `json:"crypted,omitempty"`
	Lang    string            `json:"lang,omitempty"` // "" = the client's language
	// SkipForms leaves out check_param and approver.
	SkipForms bool `json:"skip_forms,omitempty"`
}

// OrderResult is the result of an order: the rows that were created and the starts of the module.
type OrderResult struct {
	Item        int64  `json:"item"`
	Operation   int64  `json:"operation"`
	CheckParams []*Run `json:"check_params,omitempty"`
	Suitable    *Run   `json:"suitable,omitempty"`
	Approver    *Run   `json:"approver,omitempty"`
	Open        *Run   `json:"open,omitempty"` // nil from Place, and when a form was refused
}

// Item is a service with everything that tests check.
type Item struct {
	ID         int64             `json:"id"`
	Name       string            `json:"name"`
	Module     int64             `json:"module"`
	Tariff     int64             `json:"tariff"`
	Status     int               `json:"status"` // item.status: 1 ordered, 2 active, 3 suspended, 4 deleted, 5 being processed
	Period     int               `json:"period"`
	CreateDate string            `json:"createdate"`
	OpenDate   string            `json:"opendate"` // YYYY-MM-DD or ""
	ExpireDate string            `json:"expiredate"`
	Params     map[string]string `json:"params"`  // itemparam
	Crypted    map[string]string `json:"crypted"` // itemcryptedparam, decrypted
	CSR        string            `json:"csr"`
	Key        string            `json:"-"`
	// Crt is certificate.crt as it is stored: PEM, ZIP bytes or base64 of ZIP (Settings.CrtStore).
	Crt        []byte      `json:"crt,omitempty"`
	Operations []Operation `json:"operations,omitempty"`
	Tasks      []Task      `json:"tasks,omitempty"`
	// Errors are all errorxml that modules saved for this item, oldest first. They are kept when an operation ends.
	Errors []string `json:"errors,omitempty"`
}

// Operation is a row of runningoperation.
type Operation struct {
	ID       int64  `json:"id"`
	Item     int64  `json:"item"`
	Command  string `json:"command"`
	TryCount int    `json:"trycount"`
	Manual   bool   `json:"manual"`
	ErrorXML string `json:"errorxml,omitempty"`
}

// Task is a row of task: something for the administrator.
type Task struct {
	ID        int64             `json:"id"`
	Item      int64             `json:"item"`
	Operation int64             `json:"operation"`
	Type      string            `json:"type"`
	Params    map[string]string `json:"params,omitempty"` // all parameters of task.edit
}

// Problem is a problem that a module registered with problems.register.
type Problem struct {
	ID     int64             `json:"id"`
	Name   string            `json:"name"`
	Elid   string            `json:"elid"` // parameter id: the module, for processingmodule_connect
	Level  string            `json:"level"`
	Params map[string]string `json:"params,omitempty"` // param_*
}

// Request is one call of mgrctl, from the request log.
type Request = root.Request

// Settings changes how the panel behaves where the protocol leaves it open.
type Settings = root.Settings

// Fault makes a mgrctl function fail; its fields describe the kinds.
type Fault = root.Fault
