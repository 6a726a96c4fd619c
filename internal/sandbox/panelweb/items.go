package panelweb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"pmssl/internal/sandbox/panel"
	"pmssl/internal/sandbox/provider"
)

// States of items in the panel (docs/reference/billmanager.md §4).
const (
	statusActive  = 2
	statusDeleted = 4
)

// itemRow is a certificate as the list shows it: the panel's columns, and what the module's command status says about it.
type itemRow struct {
	provider.ItemReport
	ID                 int64
	Name               string
	Module             string // file name of the binary
	ModuleName         string
	ProductName        string
	Expires, PaidUntil string // of the panel, YYYY-MM-DD or ""
	Deleted            bool
}

// itemRows returns all certificates, the newest first.
func (s *Server) itemRows(ctx context.Context, lang string) ([]itemRow, error) {
	items, err := s.provider.Items(ctx)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	modules, err := s.provider.Modules(ctx)
	if err != nil {
		return nil, err
	}
	reports, err := s.reports(ctx, modules)
	if err != nil {
		return nil, err
	}
	tariffs, err := s.provider.Tariffs(ctx)
	if err != nil {
		return nil, err
	}
	var rows []itemRow
	for _, item := range slices.Backward(items) {
		row := itemRow{
			ItemReport: reports[item.ID], ID: item.ID, Name: item.Name, Expires: item.ExpireDate,
			PaidUntil: item.Params["paid_until"], Deleted: item.Status == statusDeleted,
		}
		for _, m := range modules {
			if m.ID == item.Module {
				row.Module, row.ModuleName = m.Module, m.Name
			}
		}
		row.ProductName = s.productName(lang, row.Module, tariffs, item)
		if row.Deleted {
			row.State, row.Severity = "deleted", "ok"
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// reports returns what the command status of each connected module says, by item.
func (s *Server) reports(ctx context.Context, modules []panel.Module) (map[int64]provider.ItemReport, error) {
	all, asked := map[int64]provider.ItemReport{}, map[string]bool{}
	for _, m := range modules {
		if asked[m.Module] {
			continue
		}
		asked[m.Module] = true
		report, err := s.provider.Status(ctx, m.Module)
		if err != nil {
			return nil, err
		}
		for _, item := range report.Items {
			all[item.Item] = item
		}
	}
	return all, nil
}

// productName returns the name of an item's product, as the manifest titles it.
func (s *Server) productName(lang, module string, tariffs []panel.ListedTariff, item *panel.Item) string {
	template := ""
	for _, t := range tariffs {
		if t.ID == item.Tariff {
			template = t.IntName
		}
	}
	return s.templateName(lang, module, template)
}

func (s *Server) templateName(lang, module, template string) string {
	m, err := s.provider.Manifest(module)
	if err != nil {
		return template
	}
	name, _ := m.Message(lang, "pricelist.certificate", template)
	return cmp.Or(name, template)
}

func (s *Server) showItems(w http.ResponseWriter, r *request) error {
	rows, err := s.itemRows(r.Context(), r.lang)
	if err != nil {
		return err
	}
	return s.show(w, r, "certificates", s.words.text(r.lang, "certificates"), rows)
}

// itemView is a certificate with everything that is known of it.
type itemView struct {
	itemRow
	Term       int // months
	Status     int
	Opened     string
	OrderID    string
	Method     string
	Waiting    bool
	Challenges []provider.Challenge
	Approver   string
	Alone      bool // the module publishes and delivers by itself
	Site       site
	History    []certificate
	Plan       string
	Operations []operationView
	Tasks      []panel.Task
	Letters    []provider.Letter
	Log        []provider.LogLine
}

// site is what a visitor of the site sees.
type site struct {
	Name        string
	Serial      string
	Until       time.Time
	Error       string
	Current     bool // it is the certificate in the panel
	Looks, Gaps int
	CanInstall  bool
}

// certificate is one certificate of the term.
type certificate struct {
	Number, Days        int
	ID                  string
	Begins, Ends, Store time.Time
	Serial              string
	InPlace             bool
}

// itemID returns the number of the item that the path names.
func itemID(r *request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, errNotFound
	}
	return id, nil
}

// certificatePath returns the path of the page of an item.
func certificatePath(item int64) string { return "/certificates/" + strconv.FormatInt(item, 10) }

// itemOf returns the row of the item that the path names, and the item.
func (s *Server) itemOf(r *request) (itemRow, *panel.Item, error) {
	id, err := itemID(r)
	if err != nil {
		return itemRow{}, nil, err
	}
	rows, err := s.itemRows(r.Context(), r.lang)
	if err != nil {
		return itemRow{}, nil, err
	}
	i := slices.IndexFunc(rows, func(row itemRow) bool { return row.ID == id })
	if i < 0 {
		return itemRow{}, nil, errNotFound
	}
	item, err := s.provider.Item(r.Context(), id)
	return rows[i], item, err
}

// logLines is how many lines of its log the page of an item shows.
const logLines = 12

func (s *Server) showItem(w http.ResponseWriter, r *request) error {
	row, item, err := s.itemOf(r)
	if err != nil {
		return err
	}
	v := itemView{
		itemRow: row, Term: termMonths(item), Status: item.Status, Opened: item.OpenDate, OrderID: item.Params["custom_order_id"], Method: item.Params["approver_method"],
		Waiting: provider.Waiting(item) && item.Status != statusDeleted, Challenges: provider.Challenges(item), Approver: item.Params["approver_email"],
		Alone: s.provider.Unattended() && s.provider.Hosts(item.Name), History: history(s.provider.History(item.ID)), Tasks: item.Tasks,
		Operations: s.operationViews(r.lang, row.Module, item.Operations),
	}
	if v.Site, err = s.visit(r.Context(), item); err != nil {
		return err
	}
	if len(item.Crt) > 0 {
		if v.Plan, err = s.provider.Plan(r.Context(), item.ID, "text"); err != nil {
			return err
		}
	}
	if v.Letters, err = s.lettersAbout(item.Name); err != nil {
		return err
	}
	about := aboutItem(item.ID)
	v.Log, err = s.provider.LogTail(row.Module, logLines, func(l provider.LogLine) bool { return about(l) && l.Component != "mgrctl" })
	if err != nil {
		return err
	}
	slices.Reverse(v.Log)
	return s.show(w, r, "certificate", fmt.Sprintf("%s (%d)", item.Name, item.ID), v)
}

// termMonths returns the months of the paid term: those of the present one, which the next one may differ from.
func termMonths(item *panel.Item) int {
	months, err := strconv.Atoi(item.Params["term_months"])
	if err != nil {
		return item.Period
	}
	return months
}

func (s *Server) visit(ctx context.Context, item *panel.Item) (site, error) {
	seen := site{Name: item.Name, CanInstall: len(item.Crt) > 0 && item.Status != statusDeleted}
	looks := s.provider.Looks(item.ID)
	seen.Looks, seen.Gaps = looks.Count, looks.Gaps
	shown, err := s.provider.Visit(ctx, item)
	if err != nil {
		seen.Error = err.Error()
		return seen, ctx.Err()
	}
	seen.Serial, seen.Until = fmt.Sprintf("%x", shown.SerialNumber), shown.NotAfter
	stored, err := provider.Leaf(item)
	seen.Current = err == nil && stored.Equal(shown)
	return seen, nil
}

// history returns the certificates of an item, the newest first.
func history(past []provider.Stored) []certificate {
	var all []certificate
	for i, c := range slices.Backward(past) {
		all = append(all, certificate{
			Number: i + 1, Days: c.Days(), ID: c.ID, Begins: c.Leaf.NotBefore, Ends: c.Leaf.NotAfter, Store: c.At, Serial: fmt.Sprintf("%x", c.Leaf.SerialNumber),
			InPlace: i == len(past)-1,
		})
	}
	return all
}

// showPicture shows the plan of an item's term.
func (s *Server) showPicture(w http.ResponseWriter, r *request) error {
	id, err := itemID(r)
	if err != nil {
		return err
	}
	item, err := s.provider.Item(r.Context(), id)
	if err != nil {
		return err
	}
	if len(item.Crt) == 0 {
		return errNotFound
	}
	picture, err := s.provider.Plan(r.Context(), item.ID, "svg")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "image/svg+xml")
	_, _ = w.Write([]byte(picture)) // the visitor may have gone away
	return nil
}

// actOnItem does what a button of the page of an item says.
func (s *Server) actOnItem(w http.ResponseWriter, r *request) error {
	row, item, err := s.itemOf(r)
	if err != nil {
		return err
	}
	action := r.PostForm.Get("action")
	if action == "close" && r.PostForm.Get("sure") != "on" {
		return errBadForm
	}
	var done result
	err = s.act(r, func(ctx context.Context) (err error) {
		done, err = s.do(ctx, r.lang, row.Module, item, action)
		return err
	})
	if err != nil {
		return err
	}
	return s.finish(w, r, certificatePath(item.ID), done)
}

// do carries out an action with an item.
func (s *Server) do(ctx context.Context, lang, module string, item *panel.Item, action string) (result, error) {
	start := map[string]func() (*panel.Run, error){
		"sync":        func() (*panel.Run, error) { return s.provider.Sync(ctx, item.ID) },
		"reissue":     func() (*panel.Run, error) { return s.provider.Reissue(ctx, item.ID, false) },
		"reissue_key": func() (*panel.Run, error) { return s.provider.Reissue(ctx, item.ID, true) },
		"renew":       func() (*panel.Run, error) { return s.provider.Renew(ctx, item.ID) },
		"close":       func() (*panel.Run, error) { return s.provider.CloseItem(ctx, item.ID) },
	}[action]
	switch {
	case start != nil:
		run, err := start()
		if err != nil {
			return result{}, err
		}
		if run != nil {
			run.Module = module
		}
		return s.resultOf(lang, "did_"+action, run), nil
	case action == "prove":
		return outcome("did_prove", s.provider.Prove(ctx, item.ID)), nil
	case action == "install":
		return outcome("did_install", s.provider.Install(ctx, item.ID)), nil
	}
	return result{}, errors.Join(errBadForm, fmt.Errorf("unknown action %q", action))
}

// outcome returns the result of what the client does outside of the panel.
func outcome(key string, err error) result {
	if err != nil {
		return result{Key: key, Refused: true, Text: err.Error()}
	}
	return result{Key: key}
}

// aboutItem returns what accepts lines of a log about an item.
func aboutItem(id int64) func(provider.LogLine) bool {
	prefix, call := fmt.Sprintf("item %d ", id), fmt.Sprintf("elid=%d&", id)
	return func(l provider.LogLine) bool {
		return strings.HasPrefix(l.Text, prefix) || strings.Contains(l.Text, call)
	}
}
