package item

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// ItemDeleted is item.status of a deleted item (docs/reference/billmanager.md §4).
const ItemDeleted = 4

// Handle is an item that is locked and loaded, with the connection to its seller.
type Handle struct {
	*Run
	Log             Log // each line begins with the item's label
	Item            Item
	PanelCSR        string // as the panel has it; Item.CSR is Item.RequestCSR
	Seller          seller.Seller
	ModuleParams    map[string]string // of the processing module
	Account         string            // Seller.Account
	UnclearPurchase error             // the journal names a purchase that may be this item's: nothing is bought then
	Bought          bool              // this run has bought something
	RefusedReason   string            // why a certificate that the seller issued was not stored; empty if none was refused
	NotYetValid     bool              // the certificate that the seller issued is not valid yet
	mappedLogged    bool              // the log already shows which names are sent in another form
	Retries         map[string]int    // by kind: purchases that left no trace at the seller before the one that this run makes
}

// Load locks and loads the item without connecting its seller, for commands that only concern the panel.
func Load(ctx context.Context, run *Run) (*Handle, error) {
	if err := run.Panel.LockItem(ctx, run.Args.Item); err != nil {
		return nil, err
	}
	order, err := run.Panel.LoadItem(ctx, run.Args.Item)
	if err != nil {
		return nil, err
	}
	if err := sameModule(run, order); err != nil {
		return nil, err
	}
	if order.Module == 0 {
		order.Module = run.Args.Module
	}
	j := NewHandle(run, order)
	if _, problem := order.rotatedCSR(); problem != "" {
		j.Log.Warningf("the new key that its certificates were requested with is not used: %s", problem)
	}
	return j, nil
}

// sameModule returns a fault if the item belongs to another processing module than --module names. A command that the panel
// started with a running operation is not checked: the panel's own data decides there.
func sameModule(run *Run, order Item) error {
	if named := run.Args.Module; named == 0 || order.Module == 0 || named == order.Module || run.Args.Operation != 0 {
		return nil
	}
	return fault.Errorf(fault.Value, "module", "item %d (%s) belongs to the processing module %d, not to %d as --module says: nothing was done",
		order.Item, order.Name, order.Module, run.Args.Module)
}

// LoadProducts reads the seller's products into Info.Products. A sweep works on many items of one account: after the seller
// has failed as a whole for that account, it is not asked again.
func (j *Handle) LoadProducts(ctx context.Context) error {
	if j.Outages == nil {
		j.Info.Products = Catalogue(ctx, j.Run, j.Seller)
		return nil
	}
	cataloguer, ok := j.Seller.(seller.Cataloguer)
	if !ok || j.Outages.Of(j.Account) != nil {
		return nil
	}
	products, err := cataloguer.Catalogue(ctx)
	switch {
	case fault.From(err).SellerFails():
		return err
	case err != nil:
		j.Log.Warningf("the products of %s could not be read, those known are taken: %v", j.Info.Title, err)
	default:
		j.Info.Products = products
	}
	return nil
}

// Connect locks and loads the item and connects its seller. It changes nothing and sends the seller nothing: for commands
// that only show something.
func Connect(ctx context.Context, run *Run) (*Handle, error) {
	j, err := ConnectUnchecked(ctx, run)
	if err != nil {
		return nil, err
	}
	return j, j.CheckIDs()
}

// ConnectUnchecked is Connect without CheckIDs, for the command that corrects wrong ids.
func ConnectUnchecked(ctx context.Context, run *Run) (*Handle, error) {
	j, err := Load(ctx, run)
	if err != nil {
		return nil, err
	}
	if j.Item.Module == 0 {
		return nil, fault.Errorf(fault.Missed, "processingmodule", "%s belongs to no processing module", j.Item.Label())
	}
	if j.Item.Binary != "" && j.Item.Binary != run.Binary {
		return nil, fault.Errorf(fault.Value, "processingmodule", "%s belongs to the module %s, this is %s", j.Item.Label(), j.Item.Binary, run.Binary)
	}
	if j.ModuleParams, err = run.Panel.ModuleParams(ctx, j.Item.Module); err != nil {
		return nil, err
	}
	if j.Seller, err = run.Info.Connect(j.ModuleParams); err != nil {
		return nil, err
	}
	j.Account = j.Seller.Account()
	return j, nil
}

// Catalogue returns the products that the seller sells. Where the seller's list depends on the account, the list is read;
// if it cannot be read, the known products are returned.
func Catalogue(ctx context.Context, run *Run, theSeller seller.Seller) []seller.Product {
	cataloguer, ok := theSeller.(seller.Cataloguer)
	if !ok {
		return run.Info.Products
	}
	products, err := cataloguer.Catalogue(ctx)
	if err != nil {
		run.Log.Warningf("the products of %s could not be read, those known are taken: %v", run.Info.Title, err)
		return run.Info.Products
	}
	return products
}

// CheckIDs returns a fault if a parameter that holds ids at the seller holds anything else. Read as "nothing was bought", it
// would lead to a second purchase (rules BUY-6).
func (j *Handle) CheckIDs() error {
	for _, name := range []string{itemparam.OrderID, itemparam.Lineage} {
		for _, word := range strings.Fields(j.Item.Params[name]) {
			if id, err := strconv.ParseInt(word, 10, 64); err != nil || id <= 0 {
				return fault.Errorf(fault.Value, name, "%s: the parameter %s holds %q, which is not an id of the seller: correct it, nothing is bought", j.Item.Label(), name, word)
			}
		}
	}
	if words := strings.Fields(j.Item.Params[itemparam.OrderID]); len(words) > 1 {
		return fault.Errorf(fault.Value, itemparam.OrderID, "%s: the parameter %s holds several ids: leave the newest", j.Item.Label(), itemparam.OrderID)
	}
	return nil
}

// ID returns the newest id at the seller, 0 if nothing was bought yet.
func (j *Handle) ID() int64 {
	if ids := ParseIDs(j.Item.Params[itemparam.OrderID]); len(ids) > 0 {
		return ids[0]
	}
	if ids := ParseIDs(j.Item.Params[itemparam.Lineage]); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return 0
}

// Lineage lists the item's ids at the seller, oldest first, including the newest.
func (j *Handle) Lineage() []int64 {
	ids := ParseIDs(j.Item.Params[itemparam.Lineage])
	if id := j.ID(); id != 0 && !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return ids
}

// ParseIDs reads a blank-separated list of ids. Words that are not positive numbers are left out.
func ParseIDs(list string) []int64 {
	var ids []int64
	for _, word := range strings.Fields(list) {
		if id, err := strconv.ParseInt(word, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// FormatIDs returns the ids as a blank-separated list.
func FormatIDs(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, " ")
}

// SaveID makes id the item's newest id at the seller and the last of its lineage, and saves further parameters with the lineage.
func (j *Handle) SaveID(ctx context.Context, id int64, further ...Param) error {
	if err := j.SaveOrderID(ctx, id); err != nil {
		return err
	}
	return j.SaveParams(ctx, append([]Param{j.LineageParam()}, further...)...)
}

// SaveOrderID makes id the item's newest id at the seller, in a call of its own: a killed run must leave it. The caller saves
// LineageParam after it. A former id that the lineage lacks is put there before, because nothing else would name it any more.
func (j *Handle) SaveOrderID(ctx context.Context, id int64) error {
	if former := j.ID(); former != 0 && former != id && !slices.Contains(ParseIDs(j.Item.Params[itemparam.Lineage]), former) {
		line := j.LineageParam()
		if err := j.SaveParam(ctx, line.Name, line.Value); err != nil {
			return err
		}
	}
	return j.SaveParam(ctx, itemparam.OrderID, strconv.FormatInt(id, 10))
}

// LineageParam returns the parameter lineage as it has to be: the newest id is the last one.
func (j *Handle) LineageParam() Param {
	newest := j.ID()
	line := slices.DeleteFunc(j.Lineage(), func(old int64) bool { return old == newest })
	if newest != 0 {
		line = append(line, newest)
	}
	return Param{Name: itemparam.Lineage, Value: FormatIDs(line)}
}

// SaveParam writes an item parameter unless it already has the value. An empty value deletes the parameter.
func (j *Handle) SaveParam(ctx context.Context, name, value string) error {
	if j.hasParam(name, value) {
		return nil
	}
	if value == "" {
		if err := j.Panel.DropParam(ctx, j.Item.Item, name); err != nil {
			return err
		}
		delete(j.Item.Params, name)
		return nil
	}
	if err := j.Panel.SaveParam(ctx, j.Item.Item, name, value); err != nil {
		return err
	}
	j.Item.Params[name] = value
	return nil
}

// hasParam reports whether the item has the parameter with the value; for an empty value, whether it has no such parameter.
func (j *Handle) hasParam(name, value string) bool {
	old, there := j.Item.Params[name]
	return there && old == value || !there && value == ""
}

// SaveParams writes those of the parameters that do not have their values yet, together (rules PANEL-14), and then deletes those
// whose values are empty, one after the other. Of two with one name the last counts. A run that is killed meanwhile may leave any
// part of them: a parameter that the next run relies on after such a run is not among them, but saved by SaveParam before.
func (j *Handle) SaveParams(ctx context.Context, params ...Param) error {
	var changed []Param
	var dropped []string
	for i, p := range params {
		again := slices.ContainsFunc(params[i+1:], func(later Param) bool { return later.Name == p.Name })
		switch {
		case again, j.hasParam(p.Name, p.Value):
		case p.Value == "":
			dropped = append(dropped, p.Name)
		default:
			changed = append(changed, p)
		}
	}
	switch len(changed) {
	case 0:
	case 1:
		if err := j.SaveParam(ctx, changed[0].Name, changed[0].Value); err != nil {
			return err
		}
	default:
		if err := j.Panel.SaveParams(ctx, j.Item.Item, changed); err != nil {
			return err
		}
		for _, p := range changed {
			j.Item.Params[p.Name] = p.Value
		}
	}
	for _, name := range dropped {
		if err := j.SaveParam(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

// SetStatus writes the service status unless the item already has it.
func (j *Handle) SetStatus(ctx context.Context, status ServiceStatus) error {
	if j.HasStatus(status) {
		return nil
	}
	if err := j.Panel.SetStatus(ctx, j.Item.Item, status); err != nil {
		return err
	}
	j.Item.Params[itemparam.ServiceStatus] = strconv.Itoa(int(status))
	return nil
}

// HasStatus reports whether the item has the service status.
func (j *Handle) HasStatus(status ServiceStatus) bool {
	return j.Item.Params[itemparam.ServiceStatus] == strconv.Itoa(int(status))
}

// Today returns the UTC date (rules TIME-1).
func (j *Handle) Today() cabforum.Date { return cabforum.DateOf(j.Now()) }

// TermStart returns the first day of the paid term (rules PARAM-4): the saved one, else the item's opening date, else
// today.
func (j *Handle) TermStart() cabforum.Date { return j.TermStartOn(j.Today()) }

// TermStartOn is TermStart for a term that was bought on the day.
func (j *Handle) TermStartOn(day cabforum.Date) cabforum.Date {
	if saved, err := cabforum.ParseDate(j.Item.Params[itemparam.TermStart]); err == nil && !saved.IsZero() {
		return saved
	}
	if !j.Item.OpenDate.IsZero() {
		return j.Item.OpenDate
	}
	return day
}

// TermEnd returns the day until which the term is paid; zero if the item's period is not a number of months.
func (j *Handle) TermEnd() cabforum.Date {
	months := j.TermMonths()
	if months <= 0 {
		return cabforum.Date{}
	}
	return j.TermStart().AddMonths(months)
}

// TermMonths returns the length of the paid term in months. The item's period is used only if none is saved: when the client
// renews for another length, the panel may write the new period before the renewal is bought.
func (j *Handle) TermMonths() int {
	if months, err := strconv.Atoi(j.Item.Params[itemparam.TermMonths]); err == nil && months > 0 {
		return months
	}
	return j.Item.Period
}

// SaveTerm saves the parameters of TermParams and further ones with them.
func (j *Handle) SaveTerm(ctx context.Context, further ...Param) error {
	return j.SaveParams(ctx, append(j.TermParams(), further...)...)
}

// TermParams returns the term's first day and length and, for terms over a year, the date that the panel shows as paid until.
func (j *Handle) TermParams() []Param {
	params := []Param{{itemparam.TermStart, j.TermStart().String()}}
	if months := j.TermMonths(); months > 0 {
		params = append(params, Param{itemparam.TermMonths, strconv.Itoa(months)})
	}
	until := ""
	if j.TermMonths() > 12 {
		until = j.TermEnd().String()
	}
	return append(params, Param{itemparam.PaidUntil, until})
}

// Product returns the product that the item's tariff sells.
func (j *Handle) Product() (seller.Product, error) {
	product, found := seller.FindProduct(j.Info.Products, j.Item.Template)
	if !found {
		return product, fault.Errorf(fault.Value, "pricelist", "the tariff's template %q is not a product of %s", j.Item.Template, j.Info.Title)
	}
	return product, nil
}

// Request checks the item's order and returns it as a request to the seller.
func (j *Handle) Request() (seller.Request, error) {
	product, err := j.Product()
	if err != nil {
		return seller.Request{}, err
	}
	j.logMappedNames()
	return j.RequestWith(product, j.Item.Params)
}

// logMappedNames logs, once for each item, which names and countries are sent in another form than the client typed.
func (j *Handle) logMappedNames() {
	if j.mappedLogged {
		return
	}
	j.mappedLogged = true
	for _, name := range seller.MappedNames(j.Item.Params[itemparam.AltName]) {
		j.Log.Infof("%s: %s", itemparam.AltName, name)
	}
	for _, name := range slices.Sorted(maps.Keys(j.Item.Params)) {
		if mended := seller.CorrectedCountry(j.Item.Params[name]); mended != "" && strings.HasSuffix(name, "_country") {
			j.Log.Infof("%s: %s", name, mended)
		}
	}
}

// RequestWith is Request with another product and other parameters, such as another validation method.
func (j *Handle) RequestWith(product seller.Product, params map[string]string) (seller.Request, error) {
	read := seller.NewRequest
	if j.hasCertificateForCSR() {
		read = seller.NewRequestAgain
	}
	return read(product, j.Item.CSR, params[itemparam.AltName], j.NamesPaid(product), params)
}

// hasCertificateForCSR reports whether the stored certificate has the key of the item's present CSR.
func (j *Handle) hasCertificateForCSR() bool {
	csr, err := pki.ReadCSR(j.Item.CSR)
	if err != nil {
		return false
	}
	stored, err := pki.StoredLeaf(j.Item.Stored)
	return err == nil && stored.Check(csr, nil) == nil
}

// NamesPaid returns how many further names the item may have: the largest of the number that the client ordered, the number
// that the order at the seller was paid for, and the number in the stored certificate. A reissue of those costs nothing,
// whatever the tariff allows today.
func (j *Handle) NamesPaid(product seller.Product) int {
	paid := j.Item.SANs
	if bought, err := strconv.Atoi(j.Item.Params[itemparam.SANsBought]); err == nil && bought > 0 && j.ID() != 0 {
		paid = max(paid, product.Included-1+bought)
	}
	if stored, err := pki.StoredLeaf(j.Item.Stored); err == nil && j.ID() != 0 {
		paid = max(paid, seller.CertifiedNames(j.Item.CSR, j.Item.Params[itemparam.AltName], stored.Leaf))
	}
	return paid
}

// ItemtypeCertificate is the item type of certificates: itemtype.intname (docs/reference/billmanager.md §2).
const ItemtypeCertificate = "certificate"
