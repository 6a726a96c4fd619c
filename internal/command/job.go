package command

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"pmssl/internal/cabforum"
	"pmssl/internal/fault"
	"pmssl/internal/item"
	"pmssl/internal/itemparam"
	"pmssl/internal/pki"
	"pmssl/internal/seller"
)

// itemDeleted is item.status of a deleted item (billmanager-module-protocol §4).
const itemDeleted = 4

// job is one item under work: locked, loaded, and with the seller at hand.
type job struct {
	*Run
	order   item.Item
	seller  seller.Seller
	params  map[string]string // of the processing module
	account string            // Seller.Account
	doubt   error             // a purchase of the journal that may be this item's or not: nothing is bought
	paid    bool              // this run has bought something
	refused string            // why a certificate that the seller issued was not stored; empty if none was refused
	notYet  bool              // the certificate that the seller issued is not valid yet
	mapped  bool              // the log tells already which names are sent in another form
	again   map[string]int    // by kind: purchases without a trace that came before the one that this run makes
}

// beginLocal locks and loads the item without looking at the seller, for commands that only concern the panel.
func beginLocal(ctx context.Context, run *Run) (*job, error) {
	if err := run.Panel.LockItem(ctx, run.Args.Item); err != nil {
		return nil, err
	}
	order, err := run.Panel.Order(ctx, run.Args.Item)
	if err != nil {
		return nil, err
	}
	if err := sameModule(run, order); err != nil {
		return nil, err
	}
	if order.Module == 0 {
		order.Module = run.Args.Module
	}
	return &job{Run: run, order: order}, nil
}

// sameModule refuses an item of another processing module than --module names: it would narrow nothing otherwise. The panel, which
// started an operation for this item, knows better.
func sameModule(run *Run, order item.Item) error {
	if named := run.Args.Module; named == 0 || order.Module == 0 || named == order.Module || run.Args.Operation != 0 {
		return nil
	}
	return fault.Errorf(fault.Value, "module", "item %d (%s) belongs to the processing module %d, not to %d as --module says: nothing was done",
		order.Item, order.Name, order.Module, run.Args.Module)
}

// begin locks and loads the item, connects its seller and puts purchases on the item that only the journal remembers.
func begin(ctx context.Context, run *Run) (*job, error) {
	j, err := connect(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := j.assortment(ctx); err != nil {
		return j, err
	}
	return j, j.recall(ctx)
}

// assortment reads what the seller sells. A sweep, which works on many items of one account, asks a seller that fails as a whole
// once.
func (j *job) assortment(ctx context.Context) error {
	if j.sweep == nil {
		j.Info.Products = catalogue(ctx, j.Run, j.seller)
		return nil
	}
	cataloguer, ok := j.seller.(seller.Cataloguer)
	if !ok || j.sweep.down[j.account] != nil {
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

// connect is begin without any change and without a question to the seller: for commands that may only show something.
func connect(ctx context.Context, run *Run) (*job, error) {
	j, err := connectAny(ctx, run)
	if err != nil {
		return nil, err
	}
	return j, j.readable()
}

// connectAny is connect for an item whose ids may be none: for the command that puts them right.
func connectAny(ctx context.Context, run *Run) (*job, error) {
	j, err := beginLocal(ctx, run)
	if err != nil {
		return nil, err
	}
	if j.order.Module == 0 {
		return nil, fault.Errorf(fault.Missed, "processingmodule", "item %d belongs to no processing module", j.order.Item)
	}
	if j.order.Binary != "" && j.order.Binary != run.Binary {
		return nil, fault.Errorf(fault.Value, "processingmodule", "item %d belongs to the module %s, this is %s", j.order.Item, j.order.Binary, run.Binary)
	}
	if j.params, err = run.Panel.ModuleParams(ctx, j.order.Module); err != nil {
		return nil, err
	}
	if j.seller, err = run.Info.Connect(j.params); err != nil {
		return nil, err
	}
	j.account = j.seller.Account()
	return j, nil
}

// catalogue is what the seller sells: for a seller whose products are not fixed, what the account is offered.
func catalogue(ctx context.Context, run *Run, theSeller seller.Seller) []seller.Product {
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

// readable refuses an item whose ids at the seller are no ids: taken for "nothing was bought" they would be bought again
// (contract 3.6).
func (j *job) readable() error {
	for _, name := range []string{itemparam.OrderID, itemparam.Lineage} {
		for _, word := range strings.Fields(j.order.Params[name]) {
			if id, err := strconv.ParseInt(word, 10, 64); err != nil || id <= 0 {
				return fault.Errorf(fault.Value, name, "item %d: the parameter %s holds %q, which is no id of the seller: correct it, nothing is bought", j.order.Item, name, word)
			}
		}
	}
	if words := strings.Fields(j.order.Params[itemparam.OrderID]); len(words) > 1 {
		return fault.Errorf(fault.Value, itemparam.OrderID, "item %d: the parameter %s holds several ids: leave the newest", j.order.Item, itemparam.OrderID)
	}
	return nil
}

// id is the newest id at the seller, 0 where nothing was bought yet.
func (j *job) id() int64 {
	if ids := parseIDs(j.order.Params[itemparam.OrderID]); len(ids) > 0 {
		return ids[0]
	}
	if ids := parseIDs(j.order.Params[itemparam.Lineage]); len(ids) > 0 {
		return ids[len(ids)-1]
	}
	return 0
}

// lineage lists the item's ids at the seller, oldest first, the newest included.
func (j *job) lineage() []int64 {
	ids := parseIDs(j.order.Params[itemparam.Lineage])
	if id := j.id(); id != 0 && !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return ids
}

// parseIDs reads a blank-separated list of ids; what is not a number is left out.
func parseIDs(list string) []int64 {
	var ids []int64
	for _, word := range strings.Fields(list) {
		if id, err := strconv.ParseInt(word, 10, 64); err == nil && id > 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func formatIDs(ids []int64) string {
	words := make([]string, len(ids))
	for i, id := range ids {
		words[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(words, " ")
}

// put makes id the item's newest id at the seller and the last of its lineage.
func (j *job) put(ctx context.Context, id int64) error {
	line := append(slices.DeleteFunc(j.lineage(), func(old int64) bool { return old == id }), id)
	if err := j.save(ctx, itemparam.OrderID, strconv.FormatInt(id, 10)); err != nil {
		return err
	}
	return j.save(ctx, itemparam.Lineage, formatIDs(line))
}

// save writes an item parameter unless it already has the value; an empty value drops it.
func (j *job) save(ctx context.Context, name, value string) error {
	old, there := j.order.Params[name]
	if there && old == value || !there && value == "" {
		return nil
	}
	if value == "" {
		if err := j.Panel.DropParam(ctx, j.order.Item, name); err != nil {
			return err
		}
		delete(j.order.Params, name)
		return nil
	}
	if err := j.Panel.SaveParam(ctx, j.order.Item, name, value); err != nil {
		return err
	}
	j.order.Params[name] = value
	return nil
}

// setStatus writes the service status unless the item already has it.
func (j *job) setStatus(ctx context.Context, status item.ServiceStatus) error {
	if j.hasStatus(status) {
		return nil
	}
	if err := j.Panel.SetStatus(ctx, j.order.Item, status); err != nil {
		return err
	}
	j.order.Params[itemparam.ServiceStatus] = strconv.Itoa(int(status))
	return nil
}

func (j *job) hasStatus(status item.ServiceStatus) bool {
	return j.order.Params[itemparam.ServiceStatus] == strconv.Itoa(int(status))
}

// today is the UTC date (contract 2).
func (j *job) today() cabforum.Date { return cabforum.DateOf(j.Now()) }

// termStart is the first day of the paid term (contract 1): the saved one, else the item's opening date, else today.
func (j *job) termStart() cabforum.Date {
	if saved, err := cabforum.ParseDate(j.order.Params[itemparam.TermStart]); err == nil && !saved.IsZero() {
		return saved
	}
	if !j.order.OpenDate.IsZero() {
		return j.order.OpenDate
	}
	return j.today()
}

// termEnd is the day until which the term is paid; zero where the item has no term in months.
func (j *job) termEnd() cabforum.Date {
	months := j.termMonths()
	if months <= 0 {
		return cabforum.Date{}
	}
	return j.termStart().AddMonths(months)
}

// termMonths is the length of the term that was paid for. The item's period is the length of the next one where the client
// renews for another time, and the panel may write it before the renewal is bought.
func (j *job) termMonths() int {
	if months, err := strconv.Atoi(j.order.Params[itemparam.TermMonths]); err == nil && months > 0 {
		return months
	}
	return j.order.Period
}

// saveTerm keeps the term's beginning and length and, for terms over a year, what the panel shows as paid until.
func (j *job) saveTerm(ctx context.Context) error {
	if err := j.save(ctx, itemparam.TermStart, j.termStart().String()); err != nil {
		return err
	}
	if months := j.termMonths(); months > 0 {
		if err := j.save(ctx, itemparam.TermMonths, strconv.Itoa(months)); err != nil {
			return err
		}
	}
	until := ""
	if j.termMonths() > 12 {
		until = j.termEnd().String()
	}
	return j.save(ctx, itemparam.PaidUntil, until)
}

// product is what the item's tariff sells, and whether it can be ordered.
func (j *job) product() (seller.Product, error) {
	product, found := seller.FindProduct(j.Info.Products, j.order.Template)
	if !found {
		return product, fault.Errorf(fault.Value, "pricelist", "the tariff's template %q is not a product of %s", j.order.Template, j.Info.Title)
	}
	return product, nil
}

// request checks the item's order and puts it into the seller's words.
func (j *job) request() (seller.Request, error) {
	product, err := j.product()
	if err != nil {
		return seller.Request{}, err
	}
	j.tellMapped()
	return j.requestWith(product, j.order.Params)
}

// tellMapped writes once what of the order is sent in another form than the one in which it was typed.
func (j *job) tellMapped() {
	if j.mapped {
		return
	}
	j.mapped = true
	for _, name := range seller.MappedNames(j.order.Params[itemparam.AltName]) {
		j.Log.Infof("item %d: %s: %s", j.order.Item, itemparam.AltName, name)
	}
	for _, name := range slices.Sorted(maps.Keys(j.order.Params)) {
		if mended := seller.MendedCountry(j.order.Params[name]); mended != "" && strings.HasSuffix(name, "_country") {
			j.Log.Infof("item %d: %s: %s", j.order.Item, name, mended)
		}
	}
}

// requestWith is request with other parameters, such as another way of proof.
func (j *job) requestWith(product seller.Product, params map[string]string) (seller.Request, error) {
	read := seller.NewRequest
	if j.certified() {
		read = seller.NewRequestAgain
	}
	return read(product, j.order.CSR, params[itemparam.AltName], j.namesPaid(product), params)
}

// certified reports whether the certificate in place is for the item's present CSR.
func (j *job) certified() bool {
	csr, err := pki.ReadCSR(j.order.CSR)
	if err != nil {
		return false
	}
	stored, err := pki.StoredLeaf(j.order.Stored)
	return err == nil && stored.Check(csr, nil) == nil
}

// namesPaid returns how many further names the item may have: those that the client ordered, and those that its order at the seller
// was paid for or the certificate in place carries. A reissue of them costs nothing, whatever the tariff says today.
func (j *job) namesPaid(product seller.Product) int {
	paid := j.order.SANs
	if bought, err := strconv.Atoi(j.order.Params[itemparam.SANsBought]); err == nil && bought > 0 && j.id() != 0 {
		paid = max(paid, product.Included-1+bought)
	}
	if stored, err := pki.StoredLeaf(j.order.Stored); err == nil && j.id() != 0 {
		paid = max(paid, seller.CertifiedNames(j.order.CSR, j.order.Params[itemparam.AltName], stored.Leaf))
	}
	return paid
}
